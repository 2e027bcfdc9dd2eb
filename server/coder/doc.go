// Package coder is an engine over net/http and github.com/coder/websocket, used as
// its README shows: Accept and a loop over Read inside the HTTP handler, so that
// net/http's goroutine, request and two 4 KiB buffers live as long as the connection.
// Compression is off, which is the library's default.
//
// A context with a deadline would cost a timer for each read and, when it ends, the
// connection. The timeouts are those of the sockets of package conns, so the library
// gets the background context. No write blocks, as those sockets have an outbox.
//
// The library knows no prepared messages and does not give its connection away: a
// message for many is framed and copied again for each of them, as for any of its users.
//
// What the library does not do is done here: UTF-8 of text is checked (RFC 6455 section
// 8.1), and a close frame is sent where it ends the connection without one.
package coder
