package enginetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// timeoutCases hold that silence ends a connection, and nothing else does.
func timeoutCases() []Case {
	// needs are in the order of what is most worth telling.
	read := []Need{needReadTimeout}
	return []Case{
		{
			Name: "timeout/silence", Section: "robustness",
			Doc:   "A connection on which nothing is ever said is closed after the read timeout, and not before.",
			Needs: read,
			Run:   silence(func(t *Target, p *peer) error { return nil }),
		},
		{
			Name: "timeout/silence-after-a-message", Section: "robustness",
			Doc:   "A message puts the read timeout off by its whole length, and silence after it ends the connection.",
			Needs: read,
			Run:   silence(func(t *Target, p *peer) error { return p.wantAlive("hello") }),
		},
		{
			Name: "timeout/rearmed-by-messages", Section: "robustness",
			Doc:   "A connection that sends a message each half of the read timeout lives on, and silence after that ends it.",
			Needs: read,
			Run:   rearmed(func(p *peer, i int) error { return p.wantAlive(fmt.Sprintf("message %d", i)) }),
		},
		{
			Name: "timeout/rearmed-by-pings", Section: "robustness",
			Doc:   "Pings put the read timeout off as messages do.",
			Needs: read,
			Run: rearmed(func(p *peer, i int) error {
				p.send(ping("still here"))
				return p.wantPong("still here")
			}),
		},
		{
			Name: "timeout/rearmed-by-pongs", Section: "robustness",
			Doc:   "Pongs, which a client may send on its own as a heartbeat, put the read timeout off as messages do.",
			Needs: read,
			Run:   rearmed(func(p *peer, i int) error { p.send(pong("heartbeat")); return nil }),
		},
		{
			Name: "timeout/unfinished-frame", Section: "robustness",
			Doc:   "A client that stops inside a frame is closed after the read timeout.",
			Needs: read,
			Run: silence(func(t *Target, p *peer) error {
				b := wire(text("never finished"))
				p.write(b[:len(b)-1])
				return nil
			}),
		},
		{
			Name: "timeout/unfinished-header", Section: "robustness",
			Doc:   "A client that stops after the first byte of a frame is closed after the read timeout.",
			Needs: read,
			Run: silence(func(t *Target, p *peer) error {
				p.write(wire(text("never finished"))[:1])
				return nil
			}),
		},
		{
			Name: "timeout/trickled-frame", Section: "robustness",
			Doc:   "Bytes of an unfinished frame, now and then, do not put the read timeout off.",
			Needs: read,
			Run: silence(func(t *Target, p *peer) error {
				go p.drip(wire(data(opBinary, noise(1000))), t.ReadTimeout/8)
				return nil
			}),
		},
		{
			Name: "timeout/trickled-fragments", Section: "robustness",
			Doc:   "Fragments of an unfinished message, now and then, do not put the read timeout off.",
			Needs: read,
			Run: silence(func(t *Target, p *peer) error {
				p.send(text("never").first())
				var fragments []byte
				for range 200 {
					fragments = next("").append(fragments)
				}
				go p.drip(fragments, t.ReadTimeout/32)
				return nil
			}),
		},
		{
			Name: "timeout/half-open-peer", Section: "robustness",
			Doc:   "A peer that has vanished without FIN, so that neither data nor an answer to a close frame ever comes, is forgotten after the read and the write timeout.",
			Needs: []Need{needReadTimeout, needWriteTimeout},
			Run: func(ctx context.Context, t *Target) error {
				p, err := t.upgrade(ctx)
				if err != nil {
					return err
				}
				defer p.close()
				if err := p.wantAlive("hello"); err != nil {
					return err
				}
				p.conn.SetReadDeadline(time.Now().Add(late(t.ReadTimeout + t.WriteTimeout)))
				return p.untilEnd()
			},
		},
		{
			Name: "timeout/close-not-answered", Section: "RFC 6455 7.1.1",
			Doc:   "A server that fails a connection ends it within the write timeout though the client does not answer its close frame.",
			Needs: []Need{needWriteTimeout},
			Run: func(ctx context.Context, t *Target) error {
				return talk(func(p *peer) error {
					p.send(data(3, nil))
					if err := p.wantCloseFrame(1002); err != nil {
						return err
					}
					return p.wantEndWithin(late(t.WriteTimeout))
				})(ctx, t)
			},
		},
		{
			Name: "timeout/hundred-at-once", Section: "robustness",
			Doc:   "A hundred connections that fall silent together are all closed, while one that speaks lives on.",
			Needs: read,
			Run:   hundredSilent,
		},
	}
}

// silence is a case in which the client does something once, or in the
// background, and the server must close the connection after the read timeout:
// not earlier, and not much later.
func silence(begin func(*Target, *peer) error) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		last := time.Now() // before the server's clock can have started
		p, err := t.upgrade(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		if err := begin(t, p); err != nil {
			return err
		}
		return p.wantTimeout(t, last)
	}
}

// wantTimeout expects the server to close the connection after the read timeout,
// counted from when the client last completed something, with a close frame or
// without.
func (p *peer) wantTimeout(t *Target, last time.Time) error {
	p.conn.SetReadDeadline(last.Add(late(t.ReadTimeout)))
	_, err := p.r.Peek(1)
	waited := time.Since(last)
	if err != nil && !ended(err) {
		return p.failed(fmt.Sprintf("the server to close the connection after the read timeout of %v", t.ReadTimeout), err)
	}
	if waited < t.ReadTimeout {
		return fmt.Errorf("expected the client to have %v, got the end of the connection after %v", t.ReadTimeout, waited)
	}
	if err != nil {
		return nil
	}
	f, err := p.frame(patience, false)
	if err != nil {
		return p.failed("a close frame", err)
	}
	if f.op != opClose {
		return fmt.Errorf("expected a close frame, got %v", f)
	}
	// Inside a frame no answer can be given that the server would know for one,
	// so the client hangs up as well.
	p.send(closing(nil))
	_ = p.tcp.CloseWrite() // the server may have ended it already
	return p.wantEnd()
}

// errLate is the kit's own fault: it acted too late for its case to tell anything.
var errLate = errors.New("the kit itself was late: the machine is overloaded")

// rearmed is a case in which the client does something each half of the read
// timeout, lives longer than one timeout on it, and is then silent.
func rearmed(act func(p *peer, i int) error) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		var err error
		for range 4 {
			if err = rearmedOnce(ctx, t, act); !errors.Is(err, errLate) {
				break
			}
		}
		return err
	}
}

func rearmedOnce(ctx context.Context, t *Target, act func(p *peer, i int) error) error {
	p, err := t.upgrade(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	last := time.Now()
	for i := range 4 {
		select {
		case <-time.After(time.Until(last.Add(t.ReadTimeout / 2))):
		case <-ctx.Done():
			return ctx.Err()
		}
		if time.Since(last) > t.ReadTimeout*3/4 {
			return errLate
		}
		last = time.Now()
		if err := act(p, i); err != nil {
			return fmt.Errorf("%v after the one before: %w", t.ReadTimeout/2, err)
		}
	}
	return p.wantTimeout(t, last)
}

func hundredSilent(ctx context.Context, t *Target) error {
	w, err := t.witness(ctx)
	if err != nil {
		return err
	}
	var silent errgroup.Group
	for range 100 {
		silent.Go(func() error { return silence(func(*Target, *peer) error { return nil })(ctx, t) })
	}
	return errors.Join(silent.Wait(), w.stop())
}
