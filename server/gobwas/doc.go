// Package gobwas is an engine without net/http: a goroutine for each
// connection, raw reads, and the opening handshake of gobwas/ws over a pooled
// buffer.
//
// The handshake runs on a goroutine of its own that ends with it, so what its
// stack grew to is not kept. The goroutine that serves the connection waits for
// the socket to become readable without a buffer and borrows one only when
// there is something to read. An idle connection so owns a goroutine with a
// stack that never grew, its descriptor and a few words.
//
// Under TLS the library reads, so a connection keeps a small buffer and the
// library's own.
package gobwas
