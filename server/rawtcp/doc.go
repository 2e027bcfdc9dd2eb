// Package rawtcp echoes bytes over TCP without WebSocket, in the ways that
// smallnest/1m-go-tcp-server compares: a goroutine for each connection, one epoll
// instance with one thread, several of them on one port, and one whose connections
// are served by a pool of workers. Several processes on one port are several times
// the second, which whoever starts them sees to.
//
// All ways have the same listeners, the same bound for what a peer does not take and
// the same counters, so a difference between two is a difference between two ways to
// wait. What comes is sent back as it came, however it was cut; a peer that ends its
// own side gets what is left and then the end.
//
// # Bounds
//
// An event loop never waits for a peer: what the kernel does not take is kept in the
// connection's outbox, and a connection whose outbox would grow beyond its bound is
// ended. A goroutine of its own waits instead, and reads nothing meanwhile. How long a
// peer may take nothing at all is the kernel's to watch (tcp(7), TCP_USER_TIMEOUT).
// When there are no descriptors left, connections wait in the accept queue and
// accept(2) is tried again after a pause.
//
// The package must not know flags, processes or statistics beyond the counters.
package rawtcp
