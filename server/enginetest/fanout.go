package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"signalbench/server/engine"
)

// fanoutCases hold what an engine promises of a message that many get.
func fanoutCases() []EntryCase {
	c := func(name, doc string, run func(context.Context, engine.Entry) error) EntryCase {
		return EntryCase{Name: "fanout/" + name, Section: "engine.Prepared", Doc: doc, Run: run}
	}
	return []EntryCase{
		c("sizes", "A prepared message, text or binary, of 0 B to 64 KiB, arrives as it is on every connection, and its bytes stay as they were.", preparedSizes(nil)),
		c("over-tls", "So it does over TLS, with an engine that speaks it.", preparedOverTLS),
		c("from-anywhere", "Prepared and other messages from several goroutines arrive whole, and those of one goroutine in its order.", preparedFromAnywhere),
		c("unread-kept", "A client that reads late gets what the others got at once.", preparedUnread),
		c("slow-close", "A prepared message that closes slow consumers does so under either policy of the Config, and one without a policy as the Config says.", preparedSlow(engine.SlowClose)),
		c("slow-drop", "A prepared message that is dropped for slow consumers is so under either policy of the Config, and one without a policy as the Config says.", preparedSlow(engine.SlowDrop)),
		c("closed-conn", "SendPrepared returns ErrClosed when Close was called, and when the connection has ended.", preparedClosed),
		c("nothing-behind-close", "Nothing follows the close frame for a client that breaks the protocol, though messages are sent to it all the while.", preparedBehindClose),
		c("home-order", "The jobs of a Home run one at a time, in order, and what they send comes behind what was sent before.", homeOrder),
		c("home-panic", "A job that panics is followed by the next.", homePanic),
		c("home-of-an-ended-server", "When Serve has returned, a Home takes no job; it may lose jobs before, and holds nobody up.", homeEnded),
	}
}

// prepared encodes a message as package engine wants it.
func prepared(op engine.Opcode, payload []byte) *engine.Prepared {
	f := wire(frame{op: opcode(op), payload: payload, unmasked: true})
	return &engine.Prepared{Op: op, Frame: f, Payload: f[len(f)-len(payload):]}
}

// An audience is clients and the server's ends of their connections.
type audience struct {
	conns []engine.Conn
	peers []*peer
}

// gathered is serving with an audience of n. What config is nil for is testConfig
// with room for all that a case sends.
func gathered(ctx context.Context, e engine.Entry, n int, config func(*engine.Config), act func(*stand, *audience) error) error {
	opened := make(chan engine.Conn, n)
	h := hooks{open: func(c engine.Conn, _ *engine.Request) { opened <- c }}
	roomy := func(c *engine.Config) {
		c.Outbox = 8 << 20
		if config != nil {
			config(c)
		}
	}
	return serving(e, setup{handler: h, config: roomy}, func(st *stand) error {
		var a audience
		defer func() {
			for _, p := range a.peers {
				p.close()
			}
		}()
		for range n {
			p, err := st.target.upgrade(ctx)
			if err != nil {
				return err
			}
			a.peers = append(a.peers, p)
			c, err := receive(ctx, "a call of Open", opened)
			if err != nil {
				return err
			}
			a.conns = append(a.conns, c)
		}
		return act(st, &a)
	})
}

// tell sends m to everybody.
func (a *audience) tell(m *engine.Prepared) error {
	for i, c := range a.conns {
		if err := c.SendPrepared(m); err != nil {
			return fmt.Errorf("a message of %d B to client %d: %w", len(m.Payload), i, err)
		}
	}
	return nil
}

func preparedSizes(config func(*engine.Config)) func(context.Context, engine.Entry) error {
	return func(ctx context.Context, e engine.Entry) error {
		return gathered(ctx, e, 6, config, func(_ *stand, a *audience) error {
			var messages []*engine.Prepared
			var before [][]byte
			for _, n := range []int{0, 1, 125, 126, 4096, 65_535, 65_536} {
				for _, op := range []engine.Opcode{engine.OpText, engine.OpBinary} {
					m := prepared(op, letters(n))
					messages = append(messages, m)
					before = append(before, bytes.Clone(m.Frame))
					if err := a.tell(m); err != nil {
						return err
					}
				}
			}
			for i, p := range a.peers {
				for _, m := range messages {
					if err := p.wantEcho(opcode(m.Op), letters(len(m.Payload))); err != nil {
						return fmt.Errorf("client %d: %w", i, err)
					}
				}
			}
			for i, m := range messages {
				if !bytes.Equal(m.Frame, before[i]) {
					return fmt.Errorf("expected a frame of %d B to stay as it was, but it was written to", len(m.Frame))
				}
			}
			return nil
		})
	}
}

func preparedOverTLS(ctx context.Context, e engine.Entry) error {
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	err = preparedSizes(func(c *engine.Config) { c.TLS = certificate })(ctx, e)
	if errors.Is(err, errUnservable) {
		return nil
	}
	return err
}

func preparedFromAnywhere(ctx context.Context, e engine.Entry) error {
	const senders, each, clients = 4, 150, 3
	return gathered(ctx, e, clients, nil, func(_ *stand, a *audience) error {
		var g errgroup.Group
		for s := range senders {
			g.Go(func() error {
				for i := range each {
					p := fmt.Appendf(nil, "%d %d %s", s, i, letters(i*5))
					if (s+i)%2 == 0 {
						if err := a.tell(prepared(engine.OpBinary, p)); err != nil {
							return err
						}
						continue
					}
					for _, c := range a.conns {
						if err := c.Send(engine.OpBinary, p); err != nil {
							return fmt.Errorf("message %d of sender %d: %w", i, s, err)
						}
					}
				}
				return nil
			})
		}
		for _, p := range a.peers {
			g.Go(func() error { return p.wantInTurn(senders, each) })
		}
		return g.Wait()
	})
}

// wantInTurn expects the messages of several senders, those of each in order:
// the sender, the message's number and letters, five for each message before.
func (p *peer) wantInTurn(senders, each int) error {
	next := make([]int, senders)
	for range senders * each {
		_, got, err := p.message(patience)
		if err != nil {
			return p.failed("a message", err)
		}
		var s, i int
		if _, err := fmt.Sscanf(string(got), "%d %d", &s, &i); err != nil || s < 0 || s >= senders {
			return fmt.Errorf("expected a whole message, got %s", excerpt(got))
		}
		if i != next[s] || !bytes.HasSuffix(got, letters(i*5)) {
			return fmt.Errorf("expected message %d of sender %d, got %s", next[s], s, excerpt(got))
		}
		next[s]++
	}
	return nil
}

func preparedUnread(ctx context.Context, e engine.Entry) error {
	const late, messages, size = 2, 6, 8 << 10
	opened := make(chan engine.Conn, 1)
	h := hooks{open: func(c engine.Conn, _ *engine.Request) { opened <- c }}
	return serving(e, setup{handler: h, sendBuffer: 1}, func(st *stand) error {
		var a audience
		for i := range 2 * late {
			upgrade := st.target.upgradeNarrow
			if i >= late {
				upgrade = st.target.upgrade
			}
			p, err := upgrade(ctx)
			if err != nil {
				return err
			}
			defer p.close()
			a.peers = append(a.peers, p)
			c, err := receive(ctx, "a call of Open", opened)
			if err != nil {
				return err
			}
			a.conns = append(a.conns, c)
		}
		expect := func(p *peer) error {
			for i := range messages {
				if err := p.wantText(strings.Repeat(string(rune('a'+i)), size)); err != nil {
					return err
				}
			}
			return nil
		}
		sent := make(chan error, 1)
		go func() {
			for i := range messages {
				if err := a.tell(prepared(engine.OpText, bytes.Repeat([]byte{'a' + byte(i)}, size))); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		if err, stuck := receive(ctx, "SendPrepared to return though two clients do not read", sent); err != nil || stuck != nil {
			return errors.Join(err, stuck)
		}
		for i := range a.peers { // the late ones last
			if err := expect(a.peers[len(a.peers)-1-i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// preparedSlow holds what comes of a slow consumer with a policy of the message,
// whatever the Config's, and with a message that has none.
func preparedSlow(policy engine.SlowPolicy) func(context.Context, engine.Entry) error {
	outcome := slowEvicted
	if policy == engine.SlowDrop {
		outcome = slowKept
	}
	return func(ctx context.Context, e engine.Entry) error {
		for _, v := range []struct{ config, message engine.SlowPolicy }{
			{engine.SlowClose, policy}, {engine.SlowDrop, policy}, {policy, ""},
		} {
			send := func(c engine.Conn, op engine.Opcode, p []byte) error {
				m := prepared(op, p)
				m.Slow = v.message
				return c.SendPrepared(m)
			}
			if err := outcome(ctx, e, send, func(c *engine.Config) { c.Slow = v.config }); err != nil {
				return fmt.Errorf("a message with the policy %q under the Config's %q: %w", v.message, v.config, err)
			}
		}
		return nil
	}
}

func preparedClosed(ctx context.Context, e engine.Entry) error {
	return gathered(ctx, e, 2, nil, func(st *stand, a *audience) error {
		m := prepared(engine.OpText, []byte("too late"))
		if err := a.conns[0].Close(4002, "enough"); err != nil {
			return fmt.Errorf("expected Close to return nil, got %w", err)
		}
		if err := a.conns[0].SendPrepared(m); !errors.Is(err, engine.ErrClosed) {
			return fmt.Errorf("expected SendPrepared after Close to return ErrClosed, got %v", err)
		}
		if err := a.peers[0].wantClose(4002); err != nil {
			return err
		}
		a.peers[1].reset()
		if err := eventually(ctx, "both connections to end", func() bool { return st.cfg.Stats.Open.Load() == 0 }); err != nil {
			return err
		}
		for _, c := range a.conns {
			if err := c.SendPrepared(m); !errors.Is(err, engine.ErrClosed) {
				return fmt.Errorf("expected SendPrepared on a connection that has ended to return ErrClosed, got %v", err)
			}
		}
		return nil
	})
}

func preparedBehindClose(ctx context.Context, e engine.Entry) error {
	const clients = 8
	small := func(c *engine.Config) { c.Outbox = 4 << 10 } // or the close frame comes behind a lot
	return gathered(ctx, e, clients, small, func(_ *stand, a *audience) error {
		m := prepared(engine.OpText, []byte("more"))
		m.Slow = engine.SlowDrop
		var g errgroup.Group
		g.SetLimit(2)
		for i, p := range a.peers {
			g.Go(func() error {
				var sending errgroup.Group
				var enough atomic.Bool
				sending.Go(func() error {
					for ; !enough.Load(); runtime.Gosched() {
						if err := a.conns[i].SendPrepared(m); err != nil && !errors.Is(err, engine.ErrSlow) {
							break
						}
					}
					return nil
				})
				err := p.wantLastWord(m, 1002)
				p.close()
				enough.Store(true)
				return errors.Join(err, sending.Wait())
			})
		}
		return g.Wait()
	})
}

// wantLastWord breaks the protocol and expects any number of ms, a close frame and
// the end.
func (p *peer) wantLastWord(m *engine.Prepared, code int) error {
	if err := p.wantEcho(opcode(m.Op), m.Payload); err != nil {
		return err
	}
	p.send(data(3, nil))
	for {
		f, err := p.frame(patience, false)
		switch {
		case err != nil:
			return p.failed(closeNames([]int{code}), err)
		case f.op == opClose:
			if err := checkClose(f, []int{code}); err != nil {
				return err
			}
			p.send(closing(nil))
			return p.wantEnd()
		}
	}
}
