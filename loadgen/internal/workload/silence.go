package workload

import (
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A silence ends connections of a lane that have heard nothing for long. It looks at
// each of them often enough to end it within an eighth more than that time, and keeps 4
// B for each.
type silence struct {
	l       *lane.Lane
	limit   time.Duration
	since   time.Duration
	end     time.Duration // nobody is ended from here on
	heard   []uint32      // in units after since
	step    time.Duration
	at      time.Duration // the next look
	next    wire.Conn     // whom it begins with
	perStep wire.Conn
}

const (
	silenceUnit  = 10 * time.Millisecond
	silenceSteps = 64 // to look at all
)

// newSilence returns one for which everybody is heard now, and that ends nobody from a
// moment on. A limit of 0 ends nobody at all.
func newSilence(l *lane.Lane, limit, now, end time.Duration) *silence {
	s := &silence{l: l, limit: limit, since: now, end: end, at: lane.Never}
	if limit > 0 && l.Conns > 0 {
		s.heard = make([]uint32, l.Conns)
		s.perStep = wire.Conn((l.Conns + silenceSteps - 1) / silenceSteps)
		s.step = max(limit/(8*silenceSteps), time.Millisecond)
		s.at = now + limit
	}
	return s
}

// hears notes that something came on c.
func (s *silence) hears(c wire.Conn, now time.Duration) {
	if s.heard != nil {
		s.heard[c] = uint32(max(0, now-s.since) / silenceUnit)
	}
}

// look ends those whose time is over, among the next few connections.
func (s *silence) look(now time.Duration) {
	if now < s.at {
		return
	}
	if s.at = now + s.step; s.at >= s.end {
		s.at = lane.Never
	}
	over := now - s.since - s.limit
	if over < 0 {
		return
	}
	for range min(s.perStep, wire.Conn(len(s.heard))) {
		c := s.next
		if s.next++; s.next == wire.Conn(len(s.heard)) {
			s.next = 0
		}
		if time.Duration(s.heard[c])*silenceUnit <= over && s.l.IsOpen(c) {
			s.l.Drop(c, results.CauseSilence)
		}
	}
}
