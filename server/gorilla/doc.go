// Package gorilla is two engines over net/http and gorilla/websocket, one
// goroutine per connection. They differ in nothing but what the second one
// leaves out:
//
//   - [Entry] does what the library's documentation shows: the zero Upgrader,
//     and a loop over ReadMessage inside the HTTP handler. So net/http's
//     goroutine with its grown stack, its request and its two 4 KiB buffers live
//     as long as the connection.
//   - [LeanEntry] lets the handler return and loops on a new goroutine, with a
//     read buffer of its own that is small, write buffers from a pool, and
//     messages read into borrowed memory.
//
// What the library does not do is done here for both: UTF-8 of text is checked
// (RFC 6455 section 8.1), frames glued to the handshake are kept, statuses of
// refusals are those of the other engines, and no write blocks, since net/http
// is served connections with an outbox.
package gorilla
