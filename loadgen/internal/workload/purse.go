package workload

import (
	"sync"

	"signalbench/results"
	"signalbench/server/hongbao/packet"
)

// purseLimit bounds what a purse remembers of envelopes and gifts that are done with.
const purseLimit = 1 << 20

// A Purse keeps the books of all red envelopes of a load, over all lanes: what clients
// were told and what they got, each envelope and each share once. All methods may be
// called from any goroutine.
type Purse struct {
	mu        sync.Mutex
	books     results.HongbaoBooks
	envelopes map[uint32]struct{} // that shakes found
	gifts     map[uint32]*shared  // that are open
	settled   map[uint32]struct{} // gifts that all users have grabbed
}

// shared is a gift of which clients know.
type shared struct {
	amount   uint32
	users    [packet.MaxUsers]uint32
	sharers  uint32
	told     [packet.MaxUsers]bool
	answered uint32
	got      uint64 // cents, by all
}

// NewPurse returns an empty purse.
func NewPurse() *Purse {
	return &Purse{envelopes: make(map[uint32]struct{}), gifts: make(map[uint32]*shared), settled: make(map[uint32]struct{})}
}

// remember adds id to a set and reports whether it was in it.
func (p *Purse) remember(set map[uint32]struct{}, id uint32) (was bool) {
	if _, was = set[id]; was {
		return true
	}
	if len(set) >= purseLimit {
		p.books.Untracked++
		return false
	}
	set[id] = struct{}{}
	return false
}

// found takes an envelope that a shake found.
func (p *Purse) found(id, cents uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.books.Received += uint64(cents)
	if p.remember(p.envelopes, id) {
		p.books.Excess += uint64(cents)
		return
	}
	p.books.Envelopes++
	p.books.Sent += uint64(cents)
}

// told takes the notice of a gift to user, and reports whether it is the first, is for
// that user, and says what other users were told.
func (p *Purse) told(g *packet.Packet, user uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, done := p.settled[g.ID]; done {
		return false
	}
	s := p.gifts[g.ID]
	if s == nil {
		if !g.For(user) {
			return false
		}
		s = &shared{amount: g.Amount, users: g.Users, sharers: g.Sharers}
		p.gifts[g.ID] = s
		p.books.Gifts++
		p.books.Sent += uint64(g.Amount)
	}
	if s.amount != g.Amount || s.users != g.Users || s.sharers != g.Sharers {
		return false
	}
	for i := range s.sharers {
		if s.users[i] == user && !s.told[i] {
			s.told[i] = true
			return true
		}
	}
	return false
}

// grabbed takes the answer to a grab. When all users have theirs, the shares must be
// what the gift held.
func (p *Purse) grabbed(id, cents uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.books.Received += uint64(cents)
	s := p.gifts[id]
	s.got += uint64(cents)
	if s.answered++; s.answered < s.sharers {
		return
	}
	delete(p.gifts, id)
	p.remember(p.settled, id)
	if amount := uint64(s.amount); s.got < amount {
		p.books.Lost += amount - s.got
	} else {
		p.books.Excess += s.got - amount
	}
}

// Settled reports whether no gift is open.
func (p *Purse) Settled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.gifts) == 0
}

// Books returns what there is so far.
func (p *Purse) Books() results.HongbaoBooks {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.books
	for _, s := range p.gifts {
		if amount := uint64(s.amount); s.got < amount {
			b.Open += amount - s.got
		} else {
			b.Excess += s.got - amount
		}
	}
	return b
}
