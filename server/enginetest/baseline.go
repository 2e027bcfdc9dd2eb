package enginetest

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// slack is how far a count may stay above its baseline: pools and timers of a
// runtime come and go, but not by the connection.
const slack = 8

// herd is how many connections a round of a baseline case opens. A leak of one object per connection is far above slack.
const herd = 64

// A wayOut is one way for a connection to end.
type wayOut struct {
	name, doc string
	slow      bool // it waits for a timeout or sends a flood
	width     int  // how many at once; 0 means the whole herd
	needs     []Need
	one       func(context.Context, *Target) error // a whole life of one client
}

// baselineCases hold that what a connection took is given back, however it
// ended.
func baselineCases() []Case {
	ways := []wayOut{
		{name: "closed", doc: "that said goodbye", one: talk(func(p *peer) error {
			if err := p.wantAlive("hello"); err != nil {
				return err
			}
			p.send(closingWith(1000, ""))
			if err := p.wantCloseFrame(1000, noCode); err != nil {
				return err
			}
			return p.wantEnd()
		})},
		{name: "hung-up", doc: "that ended TCP without a close frame", one: talk(func(p *peer) error {
			return p.wantAlive("hello")
		})},
		{name: "violated", doc: "that broke the protocol", one: talk(func(p *peer) error {
			p.send(data(3, nil))
			return p.wantClose(1002)
		})},
		{name: "refused", doc: "whose handshake was refused", one: handshake(
			func(h *head) { h.drop("Sec-WebSocket-Key") },
			func(_ *peer, _ *head, r *http.Response) error { return wantStatus(r, 400) })},
		{name: "unfinished-handshake", doc: "that hung up in the handshake", one: dialled(func(p *peer) error {
			p.write(newHead(p.end).bytes()[:30])
			return nil
		})},
		{name: "timed-out", doc: "that fell silent", slow: true, needs: []Need{needReadTimeout},
			one: silence(func(*Target, *peer) error { return nil })},
		{name: "handshake-timed-out", doc: "that never finished their handshake", slow: true, needs: []Need{needHandshakeTimeout},
			one: handshakeTimesOut(func(_ *Target, p *peer) { p.write(newHead(p.end).bytes()[:30]) })},
		// Few at once: a server that evicts nobody holds all that they send.
		{name: "evicted", doc: "that did not read", slow: true, width: 8, needs: []Need{needOutbox, needEviction},
			one: func(ctx context.Context, t *Target) error {
				p, err := t.upgradeNarrow(ctx)
				if err != nil {
					return err
				}
				defer p.close()
				return p.wantEvicted(t)
			}},
	}
	for _, s := range states {
		ways = append(ways, wayOut{name: "reset-" + s.name, doc: "that were reset, " + s.name, one: func(ctx context.Context, t *Target) error {
			p, err := s.enter(ctx, t)
			if err == nil {
				p.reset()
			}
			return err
		}})
	}
	var cases []Case
	for _, w := range ways {
		cases = append(cases, Case{
			Name: "baseline/" + w.name, Section: "robustness", Alone: true, Quick: !w.slow,
			Doc:   "Descriptors, goroutines and open connections come back to their baseline after clients " + w.doc + ".",
			Needs: append([]Need{needProbe}, w.needs...),
			Run:   w.comesBack,
		})
	}
	return cases
}

// comesBack lets one round of clients through to fill what a server fills once,
// takes the baseline, and expects it again after a second round.
func (w wayOut) comesBack(ctx context.Context, t *Target) error {
	width := w.width
	if width == 0 {
		width = herd
	}
	round := func() error { return crowd(ctx, herd, width, func(int) error { return w.one(ctx, t) }) }
	idle, err := t.Probe()
	if err != nil {
		return err
	}
	if err := round(); err != nil {
		return err
	}
	// The first round may leave a pool behind, but no connection.
	before, err := t.settle(ctx, func(b Baseline) bool { return b.Open <= idle.Open })
	if err != nil {
		return err
	}
	if err := round(); err != nil {
		return err
	}
	_, err = t.settle(ctx, func(b Baseline) bool {
		return b.Descriptors <= before.Descriptors+slack && b.Goroutines <= before.Goroutines+slack && b.Open <= before.Open
	})
	if err != nil {
		return fmt.Errorf("%d connections after a baseline of %v: %w", herd, before, err)
	}
	return nil
}

// settle asks the server until it holds no more than is right, and then until
// two answers are the same.
func (t *Target) settle(ctx context.Context, right func(Baseline) bool) (Baseline, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last Baseline
	for {
		b, err := t.Probe()
		if err != nil {
			return b, err
		}
		if right(b) && b == last {
			return b, nil
		}
		last = b
		select {
		case <-tick.C:
		case <-ctx.Done():
			if right(b) {
				return b, nil
			}
			return b, fmt.Errorf("expected what they took to be given back, got %v", b)
		}
	}
}
