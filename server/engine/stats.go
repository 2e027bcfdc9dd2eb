package engine

import (
	"sync/atomic"
)

// Stats counts what happens to connections. An engine adds, the admin listener
// reads; every field may be used from any goroutine. The zero value is ready.
//
// Accepted = Upgraded + Failed + Refused + still in the handshake, and
// Upgraded = Open + Closed.
type Stats struct {
	Accepted atomic.Uint64 // connections taken from the accept queue
	Upgraded atomic.Uint64 // 101 responses sent
	Open     atomic.Int64  // upgraded and not yet closed
	Closed   atomic.Uint64 // upgraded and ended, for whatever reason
	Failed   atomic.Uint64 // ended before the upgrade: bad request, timeout, reset
	Refused  atomic.Uint64 // answered with an HTTP error on purpose: limit, origin, handler
	Evicted  atomic.Uint64 // slow consumers closed
	Dropped  atomic.Uint64 // messages dropped for slow consumers
	TimedOut atomic.Uint64 // upgraded connections closed for silence
	// AcceptErrors counts failed accepts, each followed by a pause: EMFILE,
	// ENFILE, ENOBUFS, ENOMEM (accept(2)).
	AcceptErrors atomic.Uint64
	// Tables are the descriptor tables besides the process's own.
	Tables Tables
}
