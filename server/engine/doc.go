// Package engine is the contract between a WebSocket engine and what runs on it.
//
// An [Engine] owns everything below a message: accepting, the opening
// handshake, frames, control frames, timeouts, write buffering and the closing
// handshake (RFC 6455). A [Handler] owns everything above a message, so one
// Handler serves every engine and a difference between two engines is a
// difference between the engines alone. [Config] holds all limits; every engine
// receives the same one.
//
// The package must not know any engine, any handler, or how a process is
// configured.
//
// # Concurrency
//
// An engine calls the methods of a Handler for one connection strictly in the
// order Accept, Open, Message..., Closed, never two at once for the same
// connection, and from any number of goroutines for different connections.
// A Handler method must not block: an engine may call it from an event loop
// that serves thousands of other connections. A Conn may be used from any
// goroutine, also after Closed (its methods then return [ErrClosed]).
//
// # Order
//
// What one goroutine sends to one connection, by Send and SendPrepared in any mixture,
// arrives in that order. Jobs of one [Home] run in the order in which Do took them.
// What a job sends comes behind what was sent before Do was called; what is sent
// elsewhere after that may come before it, so whoever needs an order among all
// sends everything through the Home.
//
// # Ownership of bytes
//
// A slice given to Message is valid only during the call. A slice given to
// Send is copied or written before Send returns and stays the caller's. The bytes of a
// [Prepared] are everybody's and never change.
package engine
