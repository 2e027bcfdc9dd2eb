package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"signalbench/server/engine"
)

// drainCases hold what Serve promises for the end of its context.
func drainCases() []EntryCase {
	return []EntryCase{
		{
			Name: "drain/clean", Section: "RFC 6455 7.4.1",
			Doc: "When the context of Serve ends, every client gets close 1001, and Serve returns nil once all have answered.",
			Run: drainsClean,
		},
		{
			Name: "drain/nobody-connected", Section: "robustness",
			Doc: "Serve without clients returns nil when its context ends, with its listeners closed.",
			Run: func(ctx context.Context, e engine.Entry) error {
				s, err := start(e, setup{})
				if err != nil {
					return err
				}
				p, err := s.target.upgrade(ctx) // it serves
				if err != nil {
					return errors.Join(err, s.stop())
				}
				p.send(closingWith(1000, ""))
				if err := p.wantClose(1000); err != nil {
					return errors.Join(err, s.stop())
				}
				p.close()
				return s.wantDrained(nil)
			},
		},
		{
			Name: "drain/deadline", Section: "robustness",
			Doc: "Clients that do not answer close 1001, and clients in the middle of a handshake, are cut after the drain timeout, and Serve says so.",
			Run: drainsLate,
		},
		{
			Name: "drain/handshakes", Section: "robustness",
			Doc: "Clients in the middle of a handshake do not outlive Serve.",
			Run: func(ctx context.Context, e engine.Entry) error {
				s, err := start(e, setup{config: func(c *engine.Config) { c.DrainTimeout = 300 * time.Millisecond }})
				if err != nil {
					return err
				}
				p, err := s.target.dial(ctx)
				if err != nil {
					return errors.Join(err, s.stop())
				}
				defer p.close()
				p.write(newHead(p.end).bytes()[:40])
				if err := eventually(ctx, "the connection to be accepted", func() bool { return s.cfg.Stats.Accepted.Load() == 1 }); err != nil {
					return errors.Join(err, s.stop())
				}
				if err := s.stop(); err != nil && !errors.Is(err, engine.ErrDrainDeadline) {
					return fmt.Errorf("expected Serve to return nil or %v, got %w", engine.ErrDrainDeadline, err)
				}
				return p.wantGone()
			},
		},
	}
}

func drainsClean(ctx context.Context, e engine.Entry) error {
	s, err := start(e, setup{listeners: 2})
	if err != nil {
		return err
	}
	defer s.stop()
	var peers []*peer
	for range 20 {
		p, err := s.target.upgrade(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		peers = append(peers, p)
	}
	peers[0].send(text("half a message").first())
	s.cancel()
	for _, p := range peers {
		if err := p.wantClose(1001); err != nil {
			return err
		}
	}
	return s.wantDrained(nil)
}

func drainsLate(ctx context.Context, e engine.Entry) error {
	const deadline = 300 * time.Millisecond
	s, err := start(e, setup{config: func(c *engine.Config) { c.DrainTimeout = deadline }})
	if err != nil {
		return err
	}
	defer s.stop()
	p, err := s.target.upgrade(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	cancelled := time.Now()
	s.cancel()
	if err := p.wantCloseFrame(1001); err != nil {
		return err
	}
	// Not answering is the point.
	if err := s.wantDrained(engine.ErrDrainDeadline); err != nil {
		return err
	}
	if took := time.Since(cancelled); took < deadline {
		return fmt.Errorf("expected Serve to wait %v for an answer, got its end after %v", deadline, took)
	}
	return p.wantEnd()
}

// wantDrained ends Serve and expects what it returns, and nobody left: no open
// connection, no listener.
func (s *stand) wantDrained(want error) error {
	if err := s.stop(); !errors.Is(err, want) || want == nil && err != nil {
		return fmt.Errorf("expected Serve to return %v, got %v", want, err)
	}
	if n := s.cfg.Stats.Open.Load(); n != 0 {
		return fmt.Errorf("expected no connection to be open after Serve, got %d", n)
	}
	e, err := s.target.endpoint()
	if err != nil {
		return err
	}
	if c, err := net.Dial("tcp", e.addr); err == nil {
		c.Close()
		return errors.New("expected the listener to be closed after Serve, but it takes connections")
	}
	return nil
}

// eventually waits until a condition holds.
func eventually(ctx context.Context, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("expected %s, got nothing of it in %v", what, patience)
		}
	}
	return nil
}
