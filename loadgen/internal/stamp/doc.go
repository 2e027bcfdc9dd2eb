// Package stamp owns what stands in a message: who sent it, as which of his
// messages, when it was due and when it was sent, and a body that is known in
// advance. An echo that comes back is verified octet by octet, and no table of
// outstanding messages is needed to do so.
//
// Everything is printable ASCII, so that the same payload is a proper text
// message (RFC 6455 section 8.1) and a binary one. A number is written in digits of six
// bits, lowest first, each as one character from '0' to 'o'.
//
//	 0        5       10       15              23              31
//	+--------+--------+--------+---------------+---------------+-+-------
//	| check  | conn   | seq    | due           | sent          |t| body
//	+--------+--------+--------+---------------+---------------+-+-------
//
// check covers everything between it and the body, t is one digit that tells
// runs apart. A payload under [HeaderSize] has room for "seq check body" only:
// its times are kept by the sender, who therefore may have no more than one such
// message outstanding on a connection.
//
// The package must not know sockets, frames or clocks.
package stamp
