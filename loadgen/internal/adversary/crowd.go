package adversary

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"signalbench/loadgen/internal/target"
	"signalbench/results"
)

// DefaultMaxMessage is taken for the longest message of a server that does not tell
// its own, in bytes.
const DefaultMaxMessage = 16 << 20

// Options say against whom adversaries are, and how many of them.
type Options struct {
	Demands []Demand
	Target  *target.Target
	TLS     *tls.Config // for wss
	// DialTimeout bounds a connect with its upgrade.
	DialTimeout time.Duration
	// MaxMessage is the longest message that the server takes, in bytes.
	MaxMessage int
	// Hello is the text message with which adversary i of all begins, if it is a slow
	// reader, once it is upgraded; nil for none. A server that sends by itself to
	// whoever has said it has something that can be left unread; of others a slow
	// reader asks for echoes.
	Hello func(i int) []byte
	// Word is a text message that the server takes from a healthy client; the one
	// that comes a byte at a time.
	Word []byte
}

// A Crowd is adversaries at work. It is safe for concurrent use.
type Crowd struct {
	Options
	tallies []*tally
	stop    context.CancelFunc
	first   chan struct{}  // closed when each has tried once
	early   sync.WaitGroup // those that have not
	all     sync.WaitGroup
}

// tally counts one kind.
type tally struct {
	Demand
	opened, sent atomic.Uint64
	mu           sync.Mutex
	causes       map[results.Cause]uint64
}

// pause is how long an adversary stays away at least once it was ended; at random
// it is up to twice as long.
const pause = 700 * time.Millisecond

// Start lets all adversaries loose. Stop must be called.
func Start(ctx context.Context, o Options) *Crowd {
	c := &Crowd{Options: o, first: make(chan struct{})}
	ctx, c.stop = context.WithCancel(ctx)
	i := 0
	for _, d := range o.Demands {
		t := &tally{Demand: d, causes: make(map[results.Cause]uint64)}
		c.tallies = append(c.tallies, t)
		act := acts[d.Kind]
		for range d.Count {
			c.early.Add(1)
			number := i
			c.all.Go(func() { c.live(ctx, number, t, act) })
			i++
		}
	}
	go func() { c.early.Wait(); close(c.first) }()
	return c
}

// live is the life of adversary i.
func (c *Crowd) live(ctx context.Context, i int, t *tally, act act) {
	random := rand.New(rand.NewPCG(uint64(i), 1))
	tried := sync.OnceFunc(c.early.Done)
	defer tried()
	for {
		err := c.once(ctx, i, t, act, random, tried)
		tried()
		if ctx.Err() != nil {
			return
		}
		t.ended(cause(err))
		if !sleep(ctx, pause+time.Duration(random.Int64N(int64(pause)))) {
			return
		}
	}
}

// once is from one connect to the end of that connection.
func (c *Crowd) once(ctx context.Context, i int, t *tally, act act, random *rand.Rand, tried func()) error {
	p, err := c.connect(ctx, i, t, random)
	if err != nil {
		return err
	}
	defer p.Close()
	defer context.AfterFunc(ctx, func() { p.Close() })()
	if t.Kind != HalfHandshake {
		if err := p.upgrade(c.DialTimeout); err != nil {
			return err
		}
		if c.Hello != nil && t.Kind == SlowReader {
			if err := p.text(c.Hello(i)); err != nil {
				return err
			}
		}
	}
	t.opened.Add(1)
	tried()
	return act(ctx, c, p)
}

func (t *tally) ended(why results.Cause) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.causes[why]++
}

// Tried is closed when each adversary has connected, or failed to, once.
func (c *Crowd) Tried() <-chan struct{} { return c.first }

// Report is what they have done so far, by kind.
func (c *Crowd) Report() []results.Adversary {
	var all []results.Adversary
	for _, t := range c.tallies {
		a := results.Adversary{Kind: t.Kind, Count: t.Count, Opened: t.opened.Load(), Sent: t.sent.Load(), Causes: make(map[results.Cause]uint64)}
		t.mu.Lock()
		for why, n := range t.causes {
			a.Causes[why] += n
			a.Ended += n
		}
		t.mu.Unlock()
		all = append(all, a)
	}
	return all
}

// Stop ends all of them with resets, and returns when they are gone.
func (c *Crowd) Stop() {
	c.stop()
	c.all.Wait()
	<-c.first
}

// sleep reports false if ctx is done before d is over.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
