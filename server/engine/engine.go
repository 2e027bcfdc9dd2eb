package engine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
)

// An Engine turns listeners into connections and calls a [Handler] for them.
type Engine interface {
	// Serve accepts on every listener until ctx is done, then drains: it stops
	// accepting, sends each connection a close frame with [CloseGoingAway], and
	// waits up to Config.DrainTimeout for the peers to answer before it closes
	// what is left. It returns nil if every connection ended in time,
	// [ErrDrainDeadline] if some had to be cut, or the error that stopped it.
	//
	// Serve takes ownership of the listeners and returns only when they are
	// closed and no goroutine, descriptor or callback of its own is left.
	Serve(ctx context.Context, listeners []net.Listener, h Handler) error
}

// A Handler receives what happens on connections. See the package comment for
// the order of calls and their concurrency.
type Handler interface {
	// Accept decides on an opening handshake before it is answered. A nil
	// error lets the upgrade go on; a [*Refusal] is answered with its HTTP
	// status; any other error with 500. For an upgrade that is let go on but
	// fails later, no other method is called.
	Accept(r *Request) error
	// Open tells that the 101 response has been written or queued: from now on
	// Send works. It is called before the first Message.
	Open(c Conn, r *Request)
	// Message delivers one whole message, fragments joined; op is [OpText]
	// (valid UTF-8) or [OpBinary]. p is valid only during the call.
	Message(c Conn, op Opcode, p []byte)
	// Closed tells, exactly once per Open, that the connection has ended.
	// cause is nil after a clean closing handshake, a [*CloseError] when the
	// engine or the handler ended the connection with a close code, otherwise
	// the I/O error.
	Closed(c Conn, cause error)
}

// A Conn is one upgraded connection. All methods are safe for concurrent use.
type Conn interface {
	// Send queues or writes one unfragmented message and never blocks. It
	// returns [ErrSlow] when the peer's outbox already holds Config.Outbox
	// bytes or more: the message is then not sent, and under [SlowClose] the
	// connection is being closed. It returns [ErrClosed] once the connection
	// is closing.
	Send(op Opcode, p []byte) error
	// SendPrepared is Send for a message that others get as well. It allocates
	// nothing and copies nothing but, where the peer has not taken what came before,
	// into the outbox.
	SendPrepared(m *Prepared) error
	// Home is the event loop through which many connections are best sent to, nil
	// where any goroutine can do as well. It does not change.
	Home() Home
	// Close starts the closing handshake with code and reason (RFC 6455
	// section 7.1.2) and returns without waiting. What was sent before goes
	// out first. The engine cuts the connection if the peer has not answered
	// within Config.WriteTimeout.
	Close(code CloseCode, reason string) error
	// SetState attaches the handler's own value. State returns it, nil at
	// first. A connection without a state pays at most the two words.
	SetState(v any)
	State() any
	// RemoteAddr is the peer's network address, asked of the kernel where the
	// engine does not keep it.
	RemoteAddr() net.Addr
}

// A Request is the opening handshake as the handler sees it. It is valid only
// during Accept and Open; copy what is to be kept.
type Request struct {
	// Path is the path of the request target, without the query.
	Path string
	// RawQuery is the part after "?", without it.
	RawQuery string
	// Host and Origin are those header fields, empty if absent.
	Host, Origin string
	// RemoteAddr is the peer's address.
	RemoteAddr net.Addr
	// Value carries whatever Accept wants to hand to Open.
	Value any
}

// Refusal is an error of Accept that is answered with an HTTP status.
type Refusal struct {
	Status int    // an HTTP status code, 4xx or 5xx
	Reason string // one line, sent as the body
}

func (r *Refusal) Error() string {
	return "refused with " + strconv.Itoa(r.Status) + " " + http.StatusText(r.Status) + ": " + r.Reason
}

// Errors of a Conn and of Serve.
var (
	ErrClosed        = errors.New("connection is closed")
	ErrSlow          = errors.New("outbox is full: slow consumer")
	ErrDrainDeadline = errors.New("drain deadline passed: connections were cut")
)

// An Opcode is the type of a message (RFC 6455 section 5.2).
type Opcode byte

// The opcodes a Handler sees.
const (
	OpText   Opcode = 0x1
	OpBinary Opcode = 0x2
)

// A CloseCode is a status code of a close frame (RFC 6455 section 7.4.1).
type CloseCode uint16

// The close codes that engines and handlers send.
const (
	CloseNormal          CloseCode = 1000
	CloseGoingAway       CloseCode = 1001 // the server drains
	CloseProtocolError   CloseCode = 1002
	CloseUnsupported     CloseCode = 1003
	CloseNoStatus        CloseCode = 1005 // never on the wire
	CloseAbnormal        CloseCode = 1006 // never on the wire
	CloseInvalidPayload  CloseCode = 1007 // text that is not UTF-8
	ClosePolicyViolation CloseCode = 1008 // slow consumer evicted, silence past the read timeout
	CloseTooBig          CloseCode = 1009 // over Config.MaxMessage
	CloseInternal        CloseCode = 1011
	CloseTryAgainLater   CloseCode = 1013
)

// Received reports whether an endpoint may receive c in a close frame: the
// codes of RFC 6455 section 7.4.1, those registered since, and 3000-4999.
func (c CloseCode) Received() bool {
	switch {
	case c >= 1000 && c <= 1003, c >= 1007 && c <= 1014, c >= 3000 && c <= 4999:
		return true
	}
	return false
}

// CloseError is why a connection ended with a close frame sent by this side.
type CloseError struct {
	Code   CloseCode
	Reason string
}

func (e *CloseError) Error() string {
	s := "closed with " + strconv.Itoa(int(e.Code))
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}
