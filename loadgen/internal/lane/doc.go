// Package lane is the event loop of the load generator: connections that are
// dialled, upgraded, spoken to and closed on one operating-system thread.
//
// A [Lane] owns a slab with 8 B for each connection, and no more than that while
// the connection is idle. What is needed only for a while is in windows of fixed
// size (dials and closing handshakes in progress) or in pools (partial frames).
// What connections do is decided by a [Workload].
//
// # Concurrency
//
// A lane is one thread. All methods of Lane and Workload run on it, except
// [Lane.Run], [Lane.Do] and [Lane.Call], through which other goroutines hand
// functions to it.
//
// # Time
//
// All times are since the start of the run, by one monotonic clock. The moment
// at which something was received is taken after the read that brought it.
package lane
