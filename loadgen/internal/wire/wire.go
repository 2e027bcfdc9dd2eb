// Package wire is what an event loop needs of whatever carries its bytes: a
// [Transport] below, [Events] above. Kernel sockets are one transport; TLS is
// one that sits on another; a TCP of our own in user space can be a third. No
// type here knows a descriptor.
//
// # Concurrency
//
// A Transport and its Events belong to one thread. Only Transport.Wake may be
// called from elsewhere.
package wire

import (
	"net/netip"
	"time"

	"signalbench/results"
)

// A Conn names a connection of one lane, from 0. A number is used again when
// the connection is dialled again.
type Conn = uint32

// A Route is where a connection goes, and from where.
type Route struct {
	To   netip.AddrPort
	From netip.Addr // the zero Addr leaves the choice to the kernel
}

// A Transport carries the bytes of many connections. A method that returns a
// cause other than "" has ended the connection and tells no Events of it,
// except for [results.CauseBacklog].
type Transport interface {
	// Dial begins to connect c. If the connection is established at once, what
	// first returned has been sent and established is true; otherwise
	// Events.Connected or Events.Ended follows and nothing has been sent. first
	// is called at the moment of the attempt to send, possibly in vain, so that
	// it can take the time; nil sends nothing. A transport that is Secure never
	// calls it. Dial retries nothing.
	Dial(c Conn, r Route, first func() []byte) (established bool, cause results.Cause)
	// Send takes all of p: what the network does not take now waits in a
	// backlog. It returns [results.CauseBacklog] and takes nothing if the
	// backlog is Full.
	Send(c Conn, p []byte) results.Cause
	// Full reports whether the backlog of c is at its bound.
	Full(c Conn) bool
	// Finish ends this side of c behind what was sent: the peer reads the end of the
	// stream, and c lives on until Events.Ended says that the peer's has come, or
	// until Close.
	Finish(c Conn) results.Cause
	// Close ends c at once, in good order or, if abort, with a reset. Nothing
	// more is told of it. Closing what is not open does nothing.
	Close(c Conn, abort bool)
	// Wait tells h what happened, and returns when something has, timeout has
	// passed or Wake was called. A negative timeout waits without end.
	Wait(timeout time.Duration, h Events) error
	// Wake ends the Wait in progress, or the next one. Any goroutine may call
	// it, until Release.
	Wake()
	// Secure reports whether Send works only after Events.Secured.
	Secure() bool
	// Begin is called once, on the thread that all other calls but Wake come
	// from, before them.
	Begin() error
	// Release ends everything that is open with a reset and gives all
	// resources back.
	Release()
}

// Events is told what happens to connections. Every method may use the
// transport, also to end or redial the connection in question.
type Events interface {
	// Connected tells that c is established; not called if Dial has said so.
	Connected(c Conn)
	// Secured tells that a secure transport has agreed on keys for c, after it
	// was connected.
	Secured(c Conn)
	// Data brings the next bytes of c. p is valid only during the call.
	Data(c Conn, p []byte)
	// Ended tells that c is gone. The transport has forgotten it.
	Ended(c Conn, cause results.Cause)
	// Between is called after each connection's events, so that what is due
	// need not wait for the rest of a batch.
	Between()
}
