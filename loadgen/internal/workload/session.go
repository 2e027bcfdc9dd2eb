package workload

import (
	"math/bits"
	"time"

	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A session is one peer's leaving and joining its swarm, and all that follows. It is
// open until nothing of it is outstanding.
type session struct {
	next   *session // of the same peer, the later first; or free
	peer   wire.Conn
	number uint32 // of the peer's sessions
	main   bool   // it belongs to the window
	due    time.Duration
	sent   time.Duration

	joining  bool
	id       []byte // the peer's, by that reply
	contacts []contact
	untold   crowd // who has not been told of the join
	told     crowd // who was told by a presence_diff

	outstanding int           // the join, messages, those that are not due yet, and notices
	later       int           // messages that are not due yet
	failed      results.Cause // why it cannot be completed; empty if it can
}

// A contact is another peer of the swarm that a joiner signals to.
type contact struct {
	peer    wire.Conn
	session uint32 // its latest when the offer was sent
	id      []byte
	offered time.Duration // its offer was due then
	// wait says which messages are outstanding, got which have come: first those to
	// the contact, then those back, by their numbers.
	wait, got [2]uint32
	// lost is why the sender's connection ended with messages on their way, which may
	// arrive all the same.
	lost [2]results.Cause
}

// crowd is a set of the members of a swarm, by their place in it.
type crowd []uint64

// clear makes the set empty, with room for n members.
func (m *crowd) clear(n int) {
	*m = (*m)[:0]
	for range (n + 63) / 64 {
		*m = append(*m, 0)
	}
}

func (m crowd) has(i uint32) bool { return m[i/64]>>(i%64)&1 == 1 }
func (m crowd) add(i uint32)      { m[i/64] |= 1 << (i % 64) }
func (m crowd) remove(i uint32)   { m[i/64] &^= 1 << (i % 64) }

func (m crowd) count() (n int) {
	for _, w := range m {
		n += bits.OnesCount64(w)
	}
	return n
}

// fail notes why the session cannot be completed. The first reason counts.
func (s *session) fail(why results.Cause) {
	if s.failed == "" {
		s.failed = why
	}
}

// A relay is named by a number, which stands in its stamp as the sequence number: the
// joiner's session, the contact, the direction, and the message's own number in it.
// In the stamp of a join that others are told of, only the session is not 0.
const (
	numberBits  = 5
	contactBits = 5

	// MaxCandidates and MaxContacts are the most that a session can have.
	MaxCandidates = 1<<numberBits - 1
	MaxContacts   = 1 << contactBits

	sessionShift = numberBits + 1 + contactBits
	// maxSession is the largest number of a session. That of a join's stamp has the
	// bit above it set, to tell it from those that a Delivery gives.
	maxSession = 1<<(29-sessionShift) - 1
	joinBit    = 1 << 29
)

func relaySeq(session uint32, contact int, back bool, number uint32) uint32 {
	seq := session<<sessionShift | uint32(contact)<<(numberBits+1) | number
	if back {
		seq |= 1 << numberBits
	}
	return seq
}

func splitSeq(seq uint32) (session uint32, contact int, back bool, number uint32) {
	return seq >> sessionShift, int(seq >> (numberBits + 1) & (1<<contactBits - 1)), seq>>numberBits&1 == 1, seq & (1<<numberBits - 1)
}

// way is the place of a direction in a contact's sets.
func way(back bool) int {
	if back {
		return 1
	}
	return 0
}
