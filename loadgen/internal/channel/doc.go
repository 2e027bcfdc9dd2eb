// Package channel is the client's side of Phoenix Channels: it writes joins,
// pushes and leaves, and tells what a server's message is.
//
// Nothing is assumed of a server but the protocol. What is verified and timed
// stands in the ref of a message, which every server returns verbatim in its
// reply: a whole [stamp.Stamp], so that no table of outstanding messages is needed.
// A connection costs nothing here; its topic follows from its number in the run.
//
// The package must not know what a workload does with a message, nor sockets.
//
// # Concurrency
//
// A [Protocol] is read-only once it is in use. A [Client] belongs to one lane's
// thread, and what its methods return is valid until the next call of it.
package channel
