// Package sock carries bytes over raw non-blocking kernel sockets and one epoll
// instance for each [Set].
//
// An idle connection costs 12 B here: no goroutine, no buffer, no timer. A
// connection is registered once, edge-triggered (epoll(7)); a short read shows
// that the socket is drained, so an echo costs one read and one write. A dial
// costs socket, setsockopt, connect, write, epoll_ctl, read; over loopback the
// handshake of TCP is over before connect(2) returns, and the request follows
// without a round through epoll.
//
// System calls that cannot block bypass the Go scheduler. Nothing outside the
// thread of a Set touches its descriptors, so a Set may have a descriptor table
// of its own (unshare(2), CLONE_FILES): a process then holds many times as many
// connections as one table may have entries (ulimit -n). See [Tables].
package sock
