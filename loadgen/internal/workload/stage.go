package workload

import (
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Stage is a workload that comes to an end. Lane.Notify is called once when
// it has.
type Stage interface {
	lane.Workload
	// Finished reports whether everything was sent that was due, and every
	// answer has come. Call it on the lane's thread.
	Finished() bool
	// Abort gives up what has not been sent or dialled yet. What was due and
	// is not going to happen is counted as dropped with the cause. Call it on
	// the lane's thread.
	Abort(why results.Cause)
}

// Span is when a load runs, in time since the start of the run.
type Span struct {
	Start time.Duration // the warm-up begins
	Main  time.Duration // the window begins
	End   time.Duration // nothing is due from here on
}

// Endless is the span of what ends by itself.
func Endless() Span { return Span{Main: lane.Never, End: lane.Never} }

// Shards are where a lane counts a load's two phases. Warm may be nil if the
// span has no warm-up.
type Shards struct{ Warm, Main *record.Shard }

func (s Shards) at(main bool) *record.Shard {
	if main {
		return s.Main
	}
	return s.Warm
}

// common is what all stages share: they verify what comes in, account for what
// is lost, and tell once that they are through.
type common struct {
	lane.Idle
	l    *lane.Lane
	d    *Delivery
	told bool
}

func (s *common) tell(finished bool) {
	if finished && !s.told {
		s.told = true
		s.l.Notify()
	}
}

// Received implements [lane.Workload].
func (s *common) Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration) {
	s.d.Received(c, op, p, now)
}

// Ended implements [lane.Workload].
func (s *common) Ended(c wire.Conn, why results.Cause, _ time.Duration) {
	if why == "" {
		why = results.CauseStopped
	}
	s.d.Lost(c, why)
}

// few is how many operations one Fire handles before answers are read again.
const few = 8
