package workload

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// Weather says what a storm is like on one lane.
type Weather struct {
	// By is what ends the connections, as in results.Storm.
	By      string
	Backoff Backoff
	Start   time.Duration
	// Pending bounds the dials of this lane that are in progress, over the lane's
	// own bound.
	Pending int
	// Greet makes each connection send what it begins with, see [Form], and be back
	// only when that is answered.
	Greet bool
	Seed  uint64
}

// A Storm loses all connections of a lane at once and dials them again: each is
// due when its client has waited, and a dial that fails is due again after the
// next wait, as a new one. Nothing is sent meanwhile but greetings.
//
// It is through when every connection was lost and is back. Lost tells of the
// first half, and Lane.Notify is called for that as well.
type Storm struct {
	common
	weather Weather
	shard   *record.Shard
	random  *rand.Rand
	clients []client
	agenda  agenda[planned] // dials; the end of a life is not in it
	cut     wire.Conn
	left    int // connections that are not lost yet
	away    int // lost, and not back
	begun   bool
	aborted bool
	tally   Tally
}

// client is what a storm knows of one connection.
type client struct {
	lost     time.Duration // when, the last time
	in       bool          // was open before
	once     bool          // was lost
	away     bool          // was lost and is not back
	failures uint8         // of dials, since it was lost
}

// NewStorm returns l's part of a storm over the connections that are open.
func NewStorm(l *lane.Lane, d *Delivery, shard *record.Shard, w Weather) *Storm {
	s := &Storm{
		common: common{l: l, d: d}, weather: w, shard: shard, clients: make([]client, l.Conns), left: l.Open(),
		random: rand.New(rand.NewPCG(w.Seed, uint64(l.Index))), tally: newTally(w.Start),
	}
	for _, c := range members(l) {
		s.clients[c].in = true
	}
	s.tally.open = uint64(s.left)
	return s
}

// cutting reports whether connections are to be ended by this side.
func (s *Storm) cutting() bool {
	return s.weather.By == results.StormReset && int(s.cut) < len(s.clients)
}

// Next implements [lane.Workload].
func (s *Storm) Next() time.Duration {
	switch {
	case !s.begun:
		return s.weather.Start
	case s.cutting():
		return 0
	case len(s.agenda) == 0 || s.full():
		return lane.Never
	}
	return s.agenda[0].at
}

func (s *Storm) full() bool { return s.l.Full() || s.l.Dialing() >= s.weather.Pending }

// Fire implements [lane.Workload].
func (s *Storm) Fire(now time.Duration) {
	if !s.begun && now >= s.weather.Start {
		s.begun = true
		s.begin()
	}
	if s.begun && s.cutting() {
		s.reset()
		return
	}
	for range few {
		if len(s.agenda) == 0 || s.agenda[0].at > now || s.full() {
			break
		}
		next := s.agenda.pop()
		s.tally.dialled(now)
		s.l.Dial(next.conn, next.at, s.shard)
	}
	s.tell(s.Finished())
}

// begin makes clients fall silent, if that is what ends them.
func (s *Storm) begin() {
	if s.weather.By != results.StormSilence {
		return
	}
	for c := range s.clients {
		if s.clients[c].in {
			s.l.Mute(wire.Conn(c))
		}
	}
}

// atOnce is how many connections are reset before anything else is looked at.
const atOnce = 512

func (s *Storm) reset() {
	for n := 0; n < atOnce && s.cutting(); s.cut++ {
		if s.l.IsOpen(s.cut) {
			s.l.Cut(s.cut, results.CauseStopped)
			n++
		}
	}
}

// Ended implements [lane.Workload].
func (s *Storm) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	s.common.Ended(c, why, now)
	k := &s.clients[c]
	if s.aborted || !k.in {
		return
	}
	if !k.once {
		k.once = true
		s.tally.loses(now)
		if s.left--; s.left == 0 {
			s.l.Notify()
		}
	}
	switch {
	case !k.away:
		k.lost, k.failures, k.away = now, 0, true
		s.away++
	default:
		s.failed(k, why) // its greeting did
	}
	s.plan(c, now)
}

// failed counts an attempt to come back that came to nothing.
func (s *Storm) failed(k *client, why results.Cause) {
	s.tally.failures[why]++
	if k.failures < math.MaxUint8 {
		k.failures++
	}
}

// plan waits as a client does before it dials.
func (s *Storm) plan(c wire.Conn, now time.Duration) {
	s.agenda.add(planned{at: now + s.weather.Backoff.wait(s.clients[c].failures, s.random), conn: c, dial: true})
}

// Failed implements [lane.Workload].
func (s *Storm) Failed(c wire.Conn, why results.Cause, now time.Duration) {
	if s.aborted {
		return
	}
	s.failed(&s.clients[c], why)
	s.plan(c, now)
}

// Opened implements [lane.Workload].
func (s *Storm) Opened(c wire.Conn, _, now time.Duration) {
	if !s.weather.Greet {
		s.returned(c, now)
		return
	}
	if why := s.d.Greet(c, true, now, now); !s.l.IsOpen(c) {
		s.Ended(c, why, now)
	}
}

// Received implements [lane.Workload].
func (s *Storm) Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration) {
	s.common.Received(c, op, p, now)
	if s.clients[c].away && s.l.IsOpen(c) && s.d.Waiting(c) == 0 {
		s.returned(c, now)
	}
}

// returned counts c as back.
func (s *Storm) returned(c wire.Conn, now time.Duration) {
	s.clients[c].away = false
	s.away--
	s.shard.Time(record.Recovery, now-s.clients[c].lost)
	s.tally.returns(now)
	s.tell(s.Finished())
}

// Lost reports whether every connection was lost. Call it on the lane's thread.
func (s *Storm) Lost() bool { return s.left == 0 }

// Finished implements [Stage].
func (s *Storm) Finished() bool { return s.aborted || s.left == 0 && s.away == 0 }

// Abort implements [Stage]: what was due and is not dialled is dropped.
func (s *Storm) Abort(why results.Cause) {
	now := s.l.Now()
	for _, p := range s.agenda {
		if p.at <= now {
			s.shard.Dials.Scheduled++
			s.shard.DropDial(why, 1)
		}
	}
	s.agenda, s.aborted = nil, true
	s.cut = wire.Conn(len(s.clients))
	s.tell(true)
}

// Tally is what the storm has counted so far, the caller's own: the storm counts on
// meanwhile. Call it on the lane's thread.
func (s *Storm) Tally() Tally {
	t := s.tally
	t.failures, t.dials, t.returned = maps.Clone(t.failures), slices.Clone(t.dials), slices.Clone(t.returned)
	for c, k := range s.clients {
		if k.once && !k.away && s.l.IsOpen(wire.Conn(c)) {
			t.back++
		}
	}
	return t
}
