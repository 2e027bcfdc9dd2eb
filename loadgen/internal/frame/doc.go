// Package frame is the client's side of WebSocket framing (RFC 6455 section 5):
// it masks what goes out and refuses what a server must not send.
//
// It works on bytes that are already there and keeps no state, so a connection
// without a partial frame costs nothing. It must not know connections, buffers
// or messages; joining fragments is the caller's.
package frame
