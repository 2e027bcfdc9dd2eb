package hongbao

import (
	"math/rand/v2"
	"sync"
	"time"

	"signalbench/server/hongbao/packet"
)

const (
	// What an envelope or a gift holds, in cents.
	leastMoney = 10
	mostMoney  = 309

	// envelopeLimit is how many envelopes may wait for a shake, as many as in one of
	// the author's boxes, and giftLimit how many gifts are known.
	envelopeLimit = 120_000
	giftLimit     = 1 << 14
)

// An envelope waits for a shake.
type envelope struct{ id, cents uint32 }

// A gift is shared by users.
type gift struct {
	id      uint32
	cents   uint32 // it held at first
	left    uint32 // cents that nobody has grabbed
	sharers uint32
	users   [packet.MaxUsers]uint32
	pending [packet.MaxUsers]bool // has not grabbed
}

// open is how many users have not grabbed.
func (g *gift) open() uint32 {
	n := uint32(0)
	for _, p := range g.pending {
		if p {
			n++
		}
	}
	return n
}

// A treasury has all money that has entered. Envelopes have even numbers and gifts
// odd ones.
type treasury struct {
	mu        sync.Mutex
	envelopes inflow
	gifts     inflow

	waiting []envelope // from first on
	first   int
	numbers [2]uint32 // how many envelopes and gifts there were
	shared  []gift    // by number modulo giftLimit; nil before the first
	present []*player // logged in, in no order
	sums    Stats
}

// enter adds a player who has logged in.
func (t *treasury) enter(p *player) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.index.Store(int32(len(t.present)))
	t.present = append(t.present, p)
}

// leave removes a player, who need not have logged in.
func (t *treasury) leave(p *player) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := p.index.Load()
	if i < 0 {
		return
	}
	last := len(t.present) - 1
	moved := t.present[last]
	t.present[i], t.present[last] = moved, nil
	moved.index.Store(i)
	p.index.Store(-1)
	t.present = t.present[:last]
	if len(t.present) < cap(t.present)/4 {
		t.present = append(make([]*player, 0, 2*len(t.present)), t.present...)
	}
}

// shake lets enter what is due, and takes an envelope if one waits. The caller tells
// of the gifts.
func (t *treasury) shake(now time.Duration) (e envelope, got bool, told []notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range t.envelopes.shaken(now) {
		t.newEnvelope()
	}
	for range t.gifts.shaken(now) {
		if n, ok := t.newGift(); ok {
			told = append(told, n)
		}
	}
	if t.first == len(t.waiting) {
		t.sums.None++
		return envelope{}, false, told
	}
	e = t.waiting[t.first]
	if t.first++; t.first == len(t.waiting) {
		t.waiting, t.first = t.waiting[:0], 0
	}
	t.sums.Shaken.add(e.cents)
	t.sums.Waiting.take(e.cents)
	return e, true, told
}

func money() uint32 { return leastMoney + rand.Uint32N(mostMoney-leastMoney+1) }

func (t *treasury) newEnvelope() {
	if len(t.waiting)-t.first >= envelopeLimit {
		t.sums.Unwanted++
		return
	}
	if t.first > len(t.waiting)/2 && len(t.waiting) == cap(t.waiting) {
		t.waiting = t.waiting[:copy(t.waiting, t.waiting[t.first:])]
		t.first = 0
	}
	e := envelope{id: t.numbers[0] << 1, cents: money()}
	t.numbers[0]++
	t.waiting = append(t.waiting, e)
	t.sums.Entered.add(e.cents)
	t.sums.Waiting.add(e.cents)
}

// newGift makes a gift for users that are logged in. It is not ok if there are none.
func (t *treasury) newGift() (n notice, ok bool) {
	n.to = t.draw()
	if len(n.to) == 0 {
		t.sums.Unwanted++
		return n, false
	}
	if t.shared == nil {
		t.shared = make([]gift, giftLimit)
	}
	number := t.numbers[1]
	t.numbers[1]++
	g := &t.shared[number%giftLimit]
	if g.left > 0 {
		t.sums.Returned.add(g.left)
		t.sums.Waiting.take(g.left)
	}
	*g = gift{id: number<<1 | 1, cents: money(), sharers: uint32(len(n.to))}
	g.left = g.cents
	for i, p := range n.to {
		g.users[i], g.pending[i] = p.user, true
	}
	t.sums.Entered.add(g.cents)
	t.sums.Waiting.add(g.cents)
	t.sums.Gifts++
	n.packet = packet.Packet{Type: packet.Gift, ID: g.id, Amount: g.cents, Sharers: g.sharers, Users: g.users}
	return n, true
}

// draw picks different players at random.
func (t *treasury) draw() []*player {
	n := min(packet.MaxUsers, len(t.present))
	drawn := make([]*player, 0, n)
next:
	for len(drawn) < n {
		p := t.present[rand.IntN(len(t.present))]
		for _, q := range drawn {
			if p == q {
				continue next
			}
		}
		drawn = append(drawn, p)
	}
	return drawn
}

// grab returns a user's share of a gift in cents, 0 if there is none for that user,
// or not any more.
func (t *treasury) grab(id, user uint32) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shared != nil && id&1 == 1 {
		g := &t.shared[id>>1%giftLimit]
		for i, u := range g.users {
			if g.id == id && u == user && g.pending[i] {
				share := g.share()
				g.pending[i] = false
				g.left -= share
				t.sums.Grabbed.add(share)
				if t.sums.Waiting.Cents -= uint64(share); g.left == 0 {
					t.sums.Waiting.Count--
				}
				return share
			}
		}
	}
	t.sums.Late++
	return 0
}

// share draws what the next user gets: one cent at least, and as much on average as
// is left for each of the others.
func (g *gift) share() uint32 {
	open := g.open()
	if open == 1 {
		return g.left
	}
	// At most all but a cent for each of the others, and twice the mean.
	most := min(g.left-(open-1), 2*(g.left/open))
	return 1 + rand.Uint32N(most)
}

// stats reads all sums in one piece.
func (t *treasury) stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sums
	s.Users = int64(len(t.present))
	return s
}
