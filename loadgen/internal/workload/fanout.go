package workload

import (
	"sync"
	"sync/atomic"
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/stamp"
	"signalbench/results"
)

// BroadcastEvent is the event of what is published.
const BroadcastEvent = "broadcast"

// FlightLimit is how many messages may be on their way at once; more are dropped.
const FlightLimit = 1 << 12

// An Audience says who publishes to whom: connection n of the run is in room n
// modulo Rooms, and the first Publishers of each room publish.
type Audience struct {
	Rooms, Publishers int
	// Layout is that of what is published, without what JSON adds. It is not Small.
	Layout *stamp.Layout
	// Refs is the layout of what the server answers if it does not take a message,
	// of stamp.HeaderSize, and with a tag of its own.
	Refs *stamp.Layout
	// Binary publishes the bytes of Layout; otherwise they are a string in a JSON
	// object, see [Overhead].
	Binary bool
	// First is the number of each publisher's first message; see [Fanout.Next].
	First uint32
}

// Timetable says when messages are published: in an open loop by two schedules,
// from Span.Start and from Span.Main; in a closed one, if InFlight is not 0, that
// many are on their way.
type Timetable struct {
	Span       Span
	Warm, Main pace.Schedule
	InFlight   int
}

// A Fanout is what the lanes of a broadcast share: how far each message has got.
// Make one for each load, enrol all lanes, then give each a [Broadcast].
type Fanout struct {
	Audience
	Timetable
	publishers uint32
	members    []atomic.Int32  // of each room, open connections
	sent       []atomic.Uint32 // of each publisher, the number of its next message
	owners     []*Broadcast    // of each publisher; a closed loop's
	flights    [FlightLimit]flight

	lanes      atomic.Int32 // not through with their accounts
	publishing atomic.Int32 // lanes for which something is due or will be
	onTheWay   atomic.Int32 // messages
	turn       atomic.Uint64

	mu   sync.Mutex
	busy [2]stopwatch // of the warm-up and the window
}

// stopwatch is for how long something was on its way.
type stopwatch struct {
	n     int
	since time.Duration
	total time.Duration
}

// NewFanout returns the shared part of a broadcast over a number of lanes.
func NewFanout(a Audience, t Timetable, lanes int) *Fanout {
	f := &Fanout{Audience: a, Timetable: t, publishers: uint32(a.Rooms * a.Publishers)}
	f.members = make([]atomic.Int32, a.Rooms)
	f.sent = make([]atomic.Uint32, f.publishers)
	f.owners = make([]*Broadcast, f.publishers)
	for i := range f.sent {
		f.sent[i].Store(a.First)
	}
	f.lanes.Store(int32(lanes))
	f.publishing.Store(int32(lanes))
	return f
}

// Enrol makes the open connections of a lane members of their rooms. Call it on the
// lane's thread, for all lanes before the first Broadcast begins.
func (f *Fanout) Enrol(l *lane.Lane) {
	for _, c := range members(l) {
		f.members[l.Global(c)%uint32(f.Rooms)].Add(1)
	}
}

// Receivers is how many receive a message in the largest room. Call it before the
// first Broadcast begins.
func (f *Fanout) Receivers() int {
	most := int32(1)
	for i := range f.members {
		most = max(most, f.members[i].Load())
	}
	return int(most) - 1
}

// Next is the First of the next load over the same connections.
func (f *Fanout) Next() uint32 {
	next := f.First
	for i := range f.sent {
		next = max(next, f.sent[i].Load())
	}
	return next
}

// Busy is for how long at least one message of the warm-up, or of the window, was
// on its way. Call it when all lanes have been through Abort.
func (f *Fanout) Busy(main bool) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busy[leagueOf(main)].total
}

func leagueOf(main bool) int {
	if main {
		return 1
	}
	return 0
}

// depart and arrive count a message in and out.
func (f *Fanout) depart(main bool, now time.Duration) {
	f.onTheWay.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &f.busy[leagueOf(main)]
	if w.n++; w.n == 1 {
		w.since = max(now, w.since) // lanes do not look at the clock at the same moment
	}
}

func (f *Fanout) arrive(main bool, now time.Duration) {
	f.mu.Lock()
	w := &f.busy[leagueOf(main)]
	if w.n--; w.n == 0 {
		w.total += max(0, now-w.since)
		w.since = max(now, w.since)
	}
	f.mu.Unlock()
	f.onTheWay.Add(-1)
}

// over reports whether nothing is due any more and nothing on its way.
func (f *Fanout) over() bool { return f.publishing.Load() == 0 && f.onTheWay.Load() == 0 }

// flight is where message seq of a publisher is; the number tells whether it is
// that message's.
func (f *Fanout) flight(publisher, seq uint32) (*flight, uint64) {
	m := uint64(seq)*uint64(f.publishers) + uint64(publisher)
	return &f.flights[m%FlightLimit], m + 1
}

// blame keeps the cause of the first delivery of a message that failed.
func (f *Fanout) blame(fl *flight, why results.Cause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl.cause == "" {
		fl.cause = why
	}
}
