package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"signalbench/server/engine"
)

// contractCases hold what package engine promises to a Handler.
func contractCases() []EntryCase {
	c := func(name, doc string, run func(context.Context, engine.Entry) error) EntryCase {
		return EntryCase{Name: "contract/" + name, Section: "engine.Handler", Doc: doc, Run: run}
	}
	return []EntryCase{
		c("order-of-calls", "Accept, Open, Message and Closed come in this order, never two at once for a connection, and Closed exactly once, however it ends.", orderOfCalls),
		c("request", "Accept and Open see the path, the query, Host, Origin and the address of the peer, and Open sees the value that Accept left.", requestSeen),
		c("refusal", "A Refusal of Accept is answered with its status and another error with 500; neither is followed by another call.", refusals),
		c("state", "State is nil at first and then what SetState was given.", stateKept),
		c("cause-of-the-end", "Closed is given nil after a clean close, a CloseError with the code that this side sent, and another error after a reset.", causes),
		c("closed-conn", "Send and Close on a connection that has ended return ErrClosed.", closedConn),
		c("send-on-open", "A message that is sent from Open arrives behind the 101.", sendOnOpen),
		c("send-from-anywhere", "Messages from several goroutines arrive whole, and those of one goroutine in its order.", sendFromAnywhere),
		c("bytes-stay-the-callers", "A slice may be overwritten as soon as Send has returned, though the message still waits for its peer.", bytesStay),
		c("close-behind-messages", "Close sends what was sent before, then the close frame with its code and reason; Send then returns ErrClosed.", closeBehindMessages),
		c("close-not-answered", "A connection that the handler closes is cut after the write timeout if the peer does not answer.", closeNotAnswered),
		c("no-read-timeout", "A read timeout of 0 is none.", noReadTimeout),
		c("several-listeners", "Serve accepts on every listener.", severalListeners),
		c("counters", "Accepted is Upgraded, Failed and Refused, and Upgraded is Open and Closed; silence is counted as TimedOut.", counters),
	}
}

// serving starts e, hands the stand to act, and stops it.
func serving(e engine.Entry, s setup, act func(*stand) error) error {
	st, err := start(e, s)
	if err != nil {
		return err
	}
	err = act(st)
	if stopErr := st.stop(); err == nil && stopErr != nil {
		err = fmt.Errorf("expected Serve to return nil, got %w", stopErr)
	}
	return err
}

// conversing is serving with one upgraded client.
func conversing(ctx context.Context, e engine.Entry, s setup, conversation func(*stand, *peer) error) error {
	return serving(e, s, func(st *stand) error {
		return talk(func(p *peer) error { return conversation(st, p) })(ctx, &st.target)
	})
}

// receive waits for a value that a handler hands over.
func receive[T any](ctx context.Context, what string, c <-chan T) (T, error) {
	select {
	case v := <-c:
		return v, nil
	case <-time.After(patience):
	case <-ctx.Done():
	}
	var none T
	return none, fmt.Errorf("expected %s, got nothing in %v", what, patience)
}

func orderOfCalls(ctx context.Context, e engine.Entry) error {
	type life struct {
		busy   atomic.Bool
		closed atomic.Bool
	}
	var (
		mu     sync.Mutex
		faults []error
		lives  sync.Map // engine.Conn to *life
		opened atomic.Int32
		ended  atomic.Int32
	)
	fault := func(format string, a ...any) {
		mu.Lock()
		defer mu.Unlock()
		faults = append(faults, fmt.Errorf(format, a...))
	}
	in := func(c engine.Conn, call string) func() {
		v, ok := lives.Load(c)
		if !ok {
			fault("%s was called before Open", call)
			return func() {}
		}
		l := v.(*life)
		if !l.busy.CompareAndSwap(false, true) {
			fault("%s was called while another call for the same connection ran", call)
		}
		if l.closed.Load() {
			fault("%s was called after Closed", call)
		}
		return func() { l.busy.Store(false) }
	}
	h := hooks{
		accept: func(r *engine.Request) error { r.Value = "accepted"; return nil },
		open: func(c engine.Conn, r *engine.Request) {
			if r.Value != "accepted" {
				fault("Open was called without Accept: the request's value is %v", r.Value)
			}
			opened.Add(1)
			if _, twice := lives.LoadOrStore(c, new(life)); twice {
				fault("Open was called twice for one connection")
			}
			defer in(c, "Open")()
		},
		message: func(c engine.Conn, op engine.Opcode, p []byte) {
			defer in(c, "Message")()
			_ = c.Send(op, p)
		},
		closed: func(c engine.Conn, _ error) {
			defer in(c, "Closed")()
			if v, ok := lives.Load(c); ok {
				v.(*life).closed.Store(true)
			}
			ended.Add(1)
		},
	}
	err := serving(e, setup{handler: h}, func(st *stand) error {
		const rounds = 200
		err := crowd(ctx, rounds, 16, func(i int) error {
			p, err := states[i%len(states)].enter(ctx, &st.target)
			if err != nil {
				return err
			}
			if i%3 == 0 {
				p.close()
			} else {
				p.reset()
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := eventually(ctx, "as many calls of Closed as of Open", func() bool { return opened.Load() >= rounds/2 && opened.Load() == ended.Load() }); err != nil {
			return fmt.Errorf("%w: Open %d times, Closed %d times", err, opened.Load(), ended.Load())
		}
		// One that is alive when Serve is told to end is closed by the drain.
		return talk(func(p *peer) error {
			if err := p.wantAlive("hello"); err != nil {
				return err
			}
			st.cancel()
			return p.wantClose(1001)
		})(ctx, &st.target)
	})
	if err == nil && opened.Load() != ended.Load() {
		err = fmt.Errorf("expected as many calls of Closed as of Open, got %d and %d when Serve had returned", ended.Load(), opened.Load())
	}
	mu.Lock()
	defer mu.Unlock()
	return errors.Join(append(faults, err)...)
}

func requestSeen(ctx context.Context, e engine.Entry) error {
	type seen struct{ path, query, host, origin, remote, value string }
	see := func(r *engine.Request) seen {
		return seen{strings.Clone(r.Path), strings.Clone(r.RawQuery), strings.Clone(r.Host), strings.Clone(r.Origin), r.RemoteAddr.String(), fmt.Sprint(r.Value)}
	}
	at := make(chan seen, 2)
	h := hooks{
		accept: func(r *engine.Request) error { at <- see(r); r.Value = "from Accept"; return nil },
		open:   func(c engine.Conn, r *engine.Request) { s := see(r); s.remote = c.RemoteAddr().String(); at <- s },
	}
	allow := func(c *engine.Config) { c.Origins = []string{"http://friend.example"} }
	return serving(e, setup{handler: h, config: allow}, func(st *stand) error {
		return dialled(func(p *peer) error {
			head := newHead(p.end)
			head.target = "/some/path?a=1&b=%20x"
			head.set("Origin", "http://friend.example")
			p.write(head.bytes())
			if err := p.upgraded(head); err != nil {
				return err
			}
			want := seen{"/some/path", "a=1&b=%20x", p.end.field, "http://friend.example", p.tcp.LocalAddr().String(), "<nil>"}
			for _, call := range []string{"Accept", "Open"} {
				got, err := receive(ctx, "a call of "+call, at)
				if err != nil {
					return err
				}
				if got != want {
					return fmt.Errorf("expected %s to see %+v, got %+v", call, want, got)
				}
				want.value = "from Accept"
			}
			return nil
		})(ctx, &st.target)
	})
}

func refusals(ctx context.Context, e engine.Entry) error {
	var others atomic.Int32
	h := hooks{
		accept: func(r *engine.Request) error {
			switch r.Path {
			case "/full":
				return &engine.Refusal{Status: http.StatusServiceUnavailable, Reason: "room is full"}
			case "/wrapped":
				return fmt.Errorf("deciding: %w", &engine.Refusal{Status: http.StatusUnauthorized, Reason: "who are you"})
			}
			return errors.New("the handler's own trouble")
		},
		open:   func(engine.Conn, *engine.Request) { others.Add(1) },
		closed: func(engine.Conn, error) { others.Add(1) },
	}
	return serving(e, setup{handler: h}, func(st *stand) error {
		for path, status := range map[string]int{"/full": 503, "/wrapped": 401, "/trouble": 500} {
			err := refuses("", "", "", func(h *head) { h.target = path }, status).Run(ctx, &st.target)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		if err := eventually(ctx, "three refused connections in the counters", func() bool { return st.cfg.Stats.Refused.Load() == 3 }); err != nil {
			return fmt.Errorf("%w: %d refused, %d failed", err, st.cfg.Stats.Refused.Load(), st.cfg.Stats.Failed.Load())
		}
		if n := others.Load(); n != 0 {
			return fmt.Errorf("expected no call after a refusal, got %d", n)
		}
		return nil
	})
}

func stateKept(ctx context.Context, e engine.Entry) error {
	h := hooks{
		message: func(c engine.Conn, op engine.Opcode, p []byte) {
			n, _ := c.State().(int)
			if c.State() == nil {
				n = 100
			}
			c.SetState(n + 1)
			_ = c.Send(op, fmt.Append(nil, n))
		},
	}
	return serving(e, setup{handler: h}, func(st *stand) error {
		return crowd(ctx, 8, 8, func(int) error {
			return talk(func(p *peer) error {
				p.send(text("a"), text("b"), text("c"))
				return p.wantText("100", "101", "102")
			})(ctx, &st.target)
		})
	})
}

func causes(ctx context.Context, e engine.Entry) error {
	ends := make(chan error, 1)
	h := hooks{
		message: func(c engine.Conn, op engine.Opcode, p []byte) {
			if string(p) == "close me" {
				_ = c.Close(4000, "as asked")
			}
		},
		closed: func(_ engine.Conn, cause error) { ends <- cause },
	}
	closedWith := func(code engine.CloseCode) func(error) bool {
		return func(err error) bool {
			ce, ok := errors.AsType[*engine.CloseError](err)
			return ok && ce.Code == code
		}
	}
	isIO := func(err error) bool {
		_, ok := errors.AsType[*engine.CloseError](err)
		return err != nil && !ok
	}
	return serving(e, setup{handler: h}, func(st *stand) error {
		for _, v := range []struct {
			what string
			want string
			act  func(p *peer) error
			is   func(error) bool
		}{
			{"a clean close", "nil", func(p *peer) error { p.send(closingWith(1000, "")); return p.wantClose(1000) }, func(err error) bool { return err == nil }},
			{"a clean close with a code of its own", "nil", func(p *peer) error { p.send(closingWith(4321, "")); return p.wantClose(4321) }, func(err error) bool { return err == nil }},
			{"a reserved opcode", "a CloseError with 1002", func(p *peer) error { p.send(data(3, nil)); return p.wantClose(1002) }, closedWith(1002)},
			{"text that is not UTF-8", "a CloseError with 1007", func(p *peer) error { p.send(text("\xff")); return p.wantClose(1007) }, closedWith(1007)},
			{"a message over the limit", "a CloseError with 1009", func(p *peer) error {
				p.send(frame{op: opBinary, form: in64bits, declare: 1 << 40})
				return p.wantClose(1009)
			}, closedWith(1009)},
			{"Close by the handler", "a CloseError with 4000", func(p *peer) error { p.send(text("close me")); return p.wantClose(4000) }, closedWith(4000)},
			{"the end of TCP", "an I/O error", func(p *peer) error { return p.tcp.CloseWrite() }, isIO},
			{"a reset", "an I/O error", func(p *peer) error { p.reset(); return nil }, isIO},
		} {
			err := talk(v.act)(ctx, &st.target)
			if err != nil {
				return fmt.Errorf("%s: %w", v.what, err)
			}
			cause, err := receive(ctx, "a call of Closed after "+v.what, ends)
			if err != nil {
				return err
			}
			if !v.is(cause) {
				return fmt.Errorf("expected Closed to be given %s after %s, got %v", v.want, v.what, cause)
			}
		}
		return nil
	})
}

func closedConn(ctx context.Context, e engine.Entry) error {
	gone := make(chan engine.Conn, 1)
	h := hooks{closed: func(c engine.Conn, _ error) { gone <- c }}
	return conversing(ctx, e, setup{handler: h}, func(st *stand, p *peer) error {
		p.reset()
		c, err := receive(ctx, "a call of Closed", gone)
		if err != nil {
			return err
		}
		if err := c.Send(engine.OpText, []byte("too late")); !errors.Is(err, engine.ErrClosed) {
			return fmt.Errorf("expected Send after Closed to return ErrClosed, got %v", err)
		}
		if err := c.Close(1000, ""); !errors.Is(err, engine.ErrClosed) {
			return fmt.Errorf("expected Close after Closed to return ErrClosed, got %v", err)
		}
		// The number of the descriptor may by now be another connection's.
		return talk(func(q *peer) error {
			_ = c.Send(engine.OpText, []byte("too late"))
			return q.wantAlive("hello")
		})(ctx, &st.target)
	})
}

func sendOnOpen(ctx context.Context, e engine.Entry) error {
	h := hooks{open: func(c engine.Conn, _ *engine.Request) {
		_ = c.Send(engine.OpText, []byte("welcome"))
		_ = c.Send(engine.OpText, letters(20_000))
	}}
	return conversing(ctx, e, setup{handler: h}, func(_ *stand, p *peer) error {
		if err := p.wantText("welcome", string(letters(20_000))); err != nil {
			return err
		}
		return p.wantAlive("hello")
	})
}

func sendFromAnywhere(ctx context.Context, e engine.Entry) error {
	const senders, each = 4, 200
	conns := make(chan engine.Conn, 1)
	h := hooks{open: func(c engine.Conn, _ *engine.Request) { conns <- c }}
	roomy := func(c *engine.Config) { c.Outbox = 8 << 20 }
	return conversing(ctx, e, setup{handler: h, config: roomy}, func(_ *stand, p *peer) error {
		c, err := receive(ctx, "a call of Open", conns)
		if err != nil {
			return err
		}
		var sending errgroup.Group
		for s := range senders {
			sending.Go(func() error {
				for i := range each {
					if err := c.Send(engine.OpBinary, fmt.Appendf(nil, "%d %d %s", s, i, letters(i*5))); err != nil {
						return fmt.Errorf("message %d of sender %d: %w", i, s, err)
					}
				}
				return nil
			})
		}
		if err := p.wantInTurn(senders, each); err != nil {
			return err
		}
		return sending.Wait()
	})
}

func bytesStay(ctx context.Context, e engine.Entry) error {
	buffer := make([]byte, 8<<10)
	sent := make(chan error, 1)
	h := hooks{message: func(c engine.Conn, op engine.Opcode, _ []byte) {
		var err error
		for i := range 6 {
			for j := range buffer {
				buffer[j] = 'a' + byte(i)
			}
			err = errors.Join(err, c.Send(op, buffer))
		}
		clear(buffer)
		sent <- err
	}}
	return serving(e, setup{handler: h, sendBuffer: 1}, func(st *stand) error {
		p, err := st.target.upgradeNarrow(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		p.send(text("go"))
		if err, stuck := receive(ctx, "Send to return though the peer does not read", sent); err != nil || stuck != nil {
			return errors.Join(err, stuck)
		}
		for i := range 6 {
			if err := p.wantText(strings.Repeat(string(rune('a'+i)), len(buffer))); err != nil {
				return err
			}
		}
		return nil
	})
}

func closeBehindMessages(ctx context.Context, e engine.Entry) error {
	after := make(chan error, 1)
	h := hooks{message: func(c engine.Conn, op engine.Opcode, p []byte) {
		for i := range 4 {
			_ = c.Send(op, fmt.Appendf(nil, "%d %s", i, letters(10_000)))
		}
		_ = c.Close(4001, "that was all")
		after <- c.Send(op, []byte("too late"))
	}}
	return serving(e, setup{handler: h, sendBuffer: 1}, func(st *stand) error {
		p, err := st.target.upgradeNarrow(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		p.send(text("go"))
		err, stuck := receive(ctx, "Close to return though the peer does not read", after)
		if stuck != nil {
			return stuck
		}
		if !errors.Is(err, engine.ErrClosed) {
			return fmt.Errorf("expected Send after Close to return ErrClosed, got %v", err)
		}
		for i := range 4 {
			if err := p.wantText(fmt.Sprintf("%d %s", i, letters(10_000))); err != nil {
				return err
			}
		}
		f, err := p.frame(patience, false)
		if err != nil {
			return p.failed("close 4001", err)
		}
		if err := checkClose(f, []int{4001}); err != nil {
			return err
		}
		if got := string(f.payload[2:]); got != "that was all" {
			return fmt.Errorf("expected the reason %q, got %q", "that was all", got)
		}
		p.send(closingWith(4001, ""))
		return p.wantEnd()
	})
}

func closeNotAnswered(ctx context.Context, e engine.Entry) error {
	h := hooks{message: func(c engine.Conn, _ engine.Opcode, _ []byte) { _ = c.Close(1000, "") }}
	const timeout = 300 * time.Millisecond
	return conversing(ctx, e, setup{handler: h, config: func(c *engine.Config) { c.WriteTimeout = timeout }}, func(_ *stand, p *peer) error {
		asked := time.Now()
		p.send(text("close me"))
		if err := p.wantCloseFrame(1000); err != nil {
			return err
		}
		if err := p.wantEndWithin(late(timeout)); err != nil {
			return err
		}
		if waited := time.Since(asked); waited < timeout {
			return fmt.Errorf("expected the client to have %v to answer, got the end after %v", timeout, waited)
		}
		return nil
	})
}

func noReadTimeout(ctx context.Context, e engine.Entry) error {
	return conversing(ctx, e, setup{config: func(c *engine.Config) { c.ReadTimeout = 0 }}, func(_ *stand, p *peer) error {
		for range 3 {
			if err := p.wantAlive("hello"); err != nil {
				return err
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
		}
		return p.wantAlive("hello")
	})
}

func severalListeners(ctx context.Context, e engine.Entry) error {
	return serving(e, setup{listeners: 3}, func(st *stand) error {
		for _, a := range st.addrs {
			t := st.at(a)
			for range 5 {
				if err := talk(func(p *peer) error { return p.wantAlive("hello") })(ctx, &t); err != nil {
					return fmt.Errorf("listener %v: %w", a, err)
				}
			}
		}
		return nil
	})
}

func counters(ctx context.Context, e engine.Entry) error {
	// Short, but not so that one of the crowd gets there on a busy machine.
	short := func(c *engine.Config) { c.HandshakeTimeout, c.ReadTimeout = time.Second, time.Second }
	return serving(e, setup{config: short}, func(st *stand) error {
		t, s := &st.target, st.cfg.Stats
		silent := make(chan error, 1)
		go func() { silent <- silence(func(*Target, *peer) error { return nil })(ctx, t) }()
		err := crowd(ctx, 60, 8, func(i int) error {
			p, err := states[i%len(states)].enter(ctx, t)
			if err == nil {
				p.reset()
			}
			return err
		})
		err = errors.Join(err,
			refuses("", "", "", func(h *head) { h.set("Origin", "http://attacker.invalid") }, 403).Run(ctx, t),
			refuses("", "", "", func(h *head) { h.drop("Sec-WebSocket-Key") }, 400).Run(ctx, t),
			<-silent)
		if err != nil {
			return err
		}
		right := func() bool {
			return s.Accepted.Load() >= 60 && s.Accepted.Load() == s.Upgraded.Load()+s.Failed.Load()+s.Refused.Load() &&
				s.Open.Load() == 0 && s.Upgraded.Load() == s.Closed.Load() && s.Refused.Load() == 1 && s.TimedOut.Load() == 1
		}
		if err := eventually(ctx, "the counters to add up, with 1 refused and 1 timed out", right); err != nil {
			return fmt.Errorf("%w: accepted %d, upgraded %d, failed %d, refused %d, open %d, closed %d, timed out %d", err,
				s.Accepted.Load(), s.Upgraded.Load(), s.Failed.Load(), s.Refused.Load(), s.Open.Load(), s.Closed.Load(), s.TimedOut.Load())
		}
		return nil
	})
}
