// Package handshake is the client's side of the opening handshake (RFC 6455
// section 4.1) over bytes: a request from a template, and a strict judgement of
// the response.
//
// Nothing is allocated per handshake and nothing is waited for; whoever owns
// the socket owns the waiting. The package must not know sockets.
package handshake
