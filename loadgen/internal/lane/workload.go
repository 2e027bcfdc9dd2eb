package lane

import (
	"math"
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// Never is a time that does not come.
const Never = time.Duration(math.MaxInt64)

// A Workload decides what the connections of a lane do. It sees connections as
// numbers; what carries them is not its business. A lane calls all methods on
// its own thread, and they may use the lane freely.
type Workload interface {
	// Next is when Fire is wanted, Never if it is not.
	Next() time.Duration
	// Fire does what is due at now. It may leave some for the next call, so
	// that what has been received meanwhile does not wait too long.
	Fire(now time.Duration)
	// Opened tells that c is upgraded, by the dial that was due then.
	Opened(c wire.Conn, due, now time.Duration)
	// Failed tells that a dial of c ended without an upgrade.
	Failed(c wire.Conn, why results.Cause, now time.Duration)
	// Received brings one whole message. p is valid only during the call.
	Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration)
	// Ponged brings the payload of a pong (RFC 6455 section 5.5.3), asked for or
	// not. p is valid only during the call.
	Ponged(c wire.Conn, p []byte, now time.Duration)
	// Ended tells that an upgraded connection is gone. The cause is "" if this
	// side wanted it to end.
	Ended(c wire.Conn, why results.Cause, now time.Duration)
}

// Idle does nothing. Embed it to write only the methods that are needed.
type Idle struct{}

// Next implements [Workload].
func (Idle) Next() time.Duration { return Never }

// Fire implements [Workload].
func (Idle) Fire(time.Duration) {}

// Opened implements [Workload].
func (Idle) Opened(wire.Conn, time.Duration, time.Duration) {}

// Failed implements [Workload].
func (Idle) Failed(wire.Conn, results.Cause, time.Duration) {}

// Received implements [Workload].
func (Idle) Received(wire.Conn, frame.Opcode, []byte, time.Duration) {}

// Ponged implements [Workload].
func (Idle) Ponged(wire.Conn, []byte, time.Duration) {}

// Ended implements [Workload].
func (Idle) Ended(wire.Conn, results.Cause, time.Duration) {}
