package channel

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"signalbench/server/engine"
	"signalbench/server/frame"
)

// stride is to how many connections an event loop sends before it sees to others.
const stride = 256

// Publish sends a message to all who subscribe to a channel now and returns how
// many of them took it: it was written or waits for them. It returns when it is
// done with all, and what is published to the same channel meanwhile comes behind
// it. p stays the caller's. The error says that ctx was done first, or that no channel
// can have that name.
func (c *Channels) Publish(ctx context.Context, name string, op engine.Opcode, p []byte) (receivers int, err error) {
	if name == "" || len(name) > MaxName {
		return 0, fmt.Errorf("publishing: the name of a channel has 1 to %d bytes", MaxName)
	}
	c.counters.published.Add(1)
	part := c.section(name)
	part.mu.Lock()
	ch := part.byName.Get(name)
	part.mu.Unlock()
	if ch == nil {
		return 0, nil
	}
	ch.publishing.Lock()
	defer ch.publishing.Unlock()
	part.mu.Lock()
	members := slices.Clone(ch.members)
	part.mu.Unlock()

	t := &turn{message: frame.Prepare(op, p)}
	byHome := divide(members)
	for home, of := range byHome {
		if home != nil {
			t.left.Add(1)
			if !home.Do(func() { t.part(home, of) }) {
				t.left.Done()
			}
		}
	}
	t.send(byHome[nil])
	err = t.wait(ctx)
	receivers = int(t.receivers.Load())
	c.counters.delivered.Add(uint64(receivers))
	return receivers, err
}

// divide groups subscribers by the event loop that sends to them, and may keep the
// slice.
func divide(members []*subscriber) map[engine.Home][]*subscriber {
	count := make(map[engine.Home]int)
	for _, s := range members {
		count[s.conn.Home()]++
	}
	byHome := make(map[engine.Home][]*subscriber, len(count))
	for home, n := range count {
		if n == len(members) {
			byHome[home] = members
			return byHome
		}
		byHome[home] = make([]*subscriber, 0, n)
	}
	for _, s := range members {
		home := s.conn.Home()
		byHome[home] = append(byHome[home], s)
	}
	return byHome
}

// A turn is one message on its way to all.
type turn struct {
	message   *engine.Prepared
	receivers atomic.Int64
	left      sync.WaitGroup // event loops that have not sent all
}

func (t *turn) send(to []*subscriber) {
	n := 0
	for _, s := range to {
		if s.conn.SendPrepared(t.message) == nil { // otherwise it is gone, or slow and dealt with
			n++
		}
	}
	t.receivers.Add(int64(n))
}

// part runs on an event loop.
func (t *turn) part(home engine.Home, to []*subscriber) {
	n := min(stride, len(to))
	t.send(to[:n])
	if n == len(to) || !home.Do(func() { t.part(home, to[n:]) }) {
		t.left.Done()
	}
}

// wait returns when all loops are done. One that ended may have lost its part.
func (t *turn) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { t.left.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("publishing: %w", ctx.Err())
	}
}
