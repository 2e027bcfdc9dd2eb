package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"signalbench/server/engine"
)

// overloadCases hold what an engine does at the limits of its Config.
func overloadCases() []EntryCase {
	c := func(name, doc string, run func(context.Context, engine.Entry) error) EntryCase {
		return EntryCase{Name: "overload/" + name, Section: "engine.Config", Doc: doc, Run: run}
	}
	return []EntryCase{
		c("max-conns", "A connection above the limit is answered 503 or closed, and when one ends the next is let in.", maxConns),
		c("max-conns-with-handshakes", "Connections in the middle of a handshake count for the limit.", maxConnsHandshakes),
		c("slow-close", "Under SlowClose, Send to a full outbox returns ErrSlow, the connection is ended without waiting for the peer, and it is counted as evicted once.", slowClose),
		c("slow-drop", "Under SlowDrop, Send to a full outbox returns ErrSlow, the message is counted as dropped, the connection stays and what was accepted arrives whole and in order.", slowDrop),
		c("write-timeout", "A peer that takes nothing of an outbox that is not full is cut after the write timeout.", writeTimeout),
	}
}

func limitTo(n int) func(*engine.Config) { return func(c *engine.Config) { c.MaxConns = n } }

func maxConns(ctx context.Context, e engine.Entry) error {
	const most = 4
	return serving(e, setup{config: limitTo(most)}, func(st *stand) error {
		var peers []*peer
		for range most {
			p, err := st.target.upgrade(ctx)
			if err != nil {
				return err
			}
			defer p.close()
			peers = append(peers, p)
		}
		for range 3 {
			if err := wantFull(ctx, &st.target); err != nil {
				return err
			}
		}
		for _, p := range peers {
			if err := p.wantAlive("still here"); err != nil {
				return fmt.Errorf("a client within the limit: %w", err)
			}
		}
		if n := st.cfg.Stats.Refused.Load(); n != 3 {
			return fmt.Errorf("expected 3 connections to be counted as refused, got %d", n)
		}
		peers[0].send(closingWith(1000, ""))
		if err := peers[0].wantCloseFrame(1000); err != nil {
			return err
		}
		if err := peers[0].wantEnd(); err != nil {
			return err
		}
		return letIn(ctx, &st.target)
	})
}

func maxConnsHandshakes(ctx context.Context, e engine.Entry) error {
	const most = 4
	return serving(e, setup{config: limitTo(most)}, func(st *stand) error {
		var peers []*peer
		for range most {
			p, err := st.target.dial(ctx)
			if err != nil {
				return err
			}
			defer p.close()
			p.write(newHead(p.end).bytes()[:30])
			peers = append(peers, p)
		}
		// Accepted is counted before the head is read, and only then is it full.
		if err := eventually(ctx, "four connections to be accepted", func() bool { return st.cfg.Stats.Accepted.Load() == most }); err != nil {
			return err
		}
		if err := wantFull(ctx, &st.target); err != nil {
			return err
		}
		peers[0].reset()
		return letIn(ctx, &st.target)
	})
}

// wantFull expects a new client to be turned away.
func wantFull(ctx context.Context, t *Target) error {
	return dialled(func(p *peer) error {
		p.write(newHead(p.end).bytes())
		p.conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := p.r.Peek(1); ended(err) {
			return nil
		}
		r, err := p.response("GET")
		if err != nil {
			return err
		}
		return wantStatus(r, http.StatusServiceUnavailable)
	})(ctx, t)
}

// letIn expects a new client to be let in soon: the server may take a moment to
// notice that another has gone.
func letIn(ctx context.Context, t *Target) error {
	var err error
	gone := eventually(ctx, "a client to be let in when another has gone", func() bool {
		err = talk(func(p *peer) error { return p.wantAlive("hello") })(ctx, t)
		return err == nil
	})
	if gone != nil {
		return errors.Join(gone, err)
	}
	return nil
}

// saturate has a handler send messages of 1,000 B until one is not taken, and
// tells how many were taken and what the last Send returned.
type saturation struct {
	taken int
	err   error
}

const saturationBlock = 1000

// A sending is a way to send a message: Send or SendPrepared.
type sending func(engine.Conn, engine.Opcode, []byte) error

func saturating(send sending, result chan<- saturation) hooks {
	return hooks{message: func(c engine.Conn, op engine.Opcode, p []byte) {
		if string(p) != "saturate" {
			_ = c.Send(op, p)
			return
		}
		var s saturation
		for s.err == nil && s.taken < (64<<20)/saturationBlock {
			if s.err = send(c, op, saturated(s.taken)); s.err == nil {
				s.taken++
			}
		}
		result <- s
	}}
}

// saturated is the n-th message that saturating sends.
func saturated(n int) []byte {
	return append(fmt.Appendf(nil, "%08d ", n), letters(saturationBlock-9)...)
}

func slowClose(ctx context.Context, e engine.Entry) error {
	return slowEvicted(ctx, e, engine.Conn.Send, nil)
}

func slowDrop(ctx context.Context, e engine.Entry) error {
	return slowKept(ctx, e, engine.Conn.Send, func(c *engine.Config) { c.Slow = engine.SlowDrop })
}

// slowEvicted expects a slow consumer to be ended.
func slowEvicted(ctx context.Context, e engine.Entry, send sending, config func(*engine.Config)) error {
	result := make(chan saturation, 1)
	return serving(e, setup{handler: saturating(send, result), config: config, sendBuffer: 1}, func(st *stand) error {
		p, err := st.target.upgradeNarrow(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		p.send(text("saturate"))
		s, err := receive(ctx, "a full outbox to be told of", result)
		if err != nil {
			return err
		}
		if !errors.Is(s.err, engine.ErrSlow) {
			return fmt.Errorf("expected a full outbox to return ErrSlow, got %v after %d messages", s.err, s.taken)
		}
		if held := s.taken * saturationBlock; held < st.cfg.Outbox {
			return fmt.Errorf("expected at least an outbox of %d B to be taken, got %d B", st.cfg.Outbox, held)
		}
		stats := st.cfg.Stats
		if err := eventually(ctx, "the slow client to be counted as evicted, and closed", func() bool {
			return stats.Evicted.Load() == 1 && stats.Open.Load() == 0
		}); err != nil {
			return fmt.Errorf("%w: %d evicted, %d open", err, stats.Evicted.Load(), stats.Open.Load())
		}
		p.conn.SetReadDeadline(time.Now().Add(patience))
		return p.untilEnd()
	})
}

// slowKept expects a slow consumer to lose one message and nothing else.
func slowKept(ctx context.Context, e engine.Entry, send sending, config func(*engine.Config)) error {
	result := make(chan saturation, 1)
	return serving(e, setup{handler: saturating(send, result), config: config, sendBuffer: 1}, func(st *stand) error {
		p, err := st.target.upgradeNarrow(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		p.send(text("saturate"))
		s, err := receive(ctx, "a full outbox to be told of", result)
		if err != nil {
			return err
		}
		if !errors.Is(s.err, engine.ErrSlow) {
			return fmt.Errorf("expected a full outbox to return ErrSlow, got %v after %d messages", s.err, s.taken)
		}
		for n := range s.taken {
			if err := p.wantEcho(opText, saturated(n)); err != nil {
				return fmt.Errorf("message %d of %d that were taken: %w", n, s.taken, err)
			}
		}
		if err := p.wantAlive("still here"); err != nil {
			return err
		}
		if d, v := st.cfg.Stats.Dropped.Load(), st.cfg.Stats.Evicted.Load(); d != 1 || v != 0 {
			return fmt.Errorf("expected 1 message to be counted as dropped and nobody as evicted, got %d and %d", d, v)
		}
		return nil
	})
}

func writeTimeout(ctx context.Context, e engine.Entry) error {
	const timeout = 300 * time.Millisecond
	started := make(chan time.Time, 1)
	h := hooks{message: func(c engine.Conn, op engine.Opcode, _ []byte) {
		started <- time.Now()
		_ = c.Send(op, letters(48<<10)) // more than the kernel takes, less than an outbox
	}}
	config := func(c *engine.Config) { c.WriteTimeout = timeout }
	return serving(e, setup{handler: h, config: config, sendBuffer: 1}, func(st *stand) error {
		p, err := st.target.upgradeNarrow(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		p.send(text("go"))
		since, err := receive(ctx, "the message to arrive", started)
		if err != nil {
			return err
		}
		// Not reading is the point, so the counters have to tell.
		if err := eventually(ctx, "the connection to be closed after the write timeout", func() bool { return st.cfg.Stats.Open.Load() == 0 }); err != nil {
			return err
		}
		if waited := time.Since(since); waited < timeout {
			return fmt.Errorf("expected the client to have %v, got the end after %v", timeout, waited)
		}
		return nil
	})
}
