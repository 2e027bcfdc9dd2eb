// Package gws is an engine over net/http and github.com/lxzan/gws, by its event API
// as its README shows: an Upgrader, a handler of events, and ReadLoop on a goroutine
// of its own, so that net/http's request can go. Buffers are the library's defaults, a
// reader of 4 KiB for each connection among them; compression and parallel calls are
// off, the latter because messages of one connection have an order.
//
// The library ends a connection as soon as it has sent a close frame. It gets a socket
// that outlives this, so that its read loop goes on until the peer has answered (RFC
// 6455 section 7.1.1), within Config.WriteTimeout. The timeouts are those of the sockets
// of package conns, and no write blocks, as those have an outbox.
//
// A message for many is framed and copied again for each of them: the library's
// Broadcaster takes a goroutine for each delivery and its queue has no bound.
package gws
