// Package upgrade answers the opening handshake of RFC 6455 section 4.2 over
// bytes in memory, for engines that read their sockets themselves.
//
// The parsing and the accept key are gobwas ws.Upgrader's. What this package
// adds is what a server needs around it: where a request ends ([End]), so that
// nobody waits inside the Upgrader and no frame glued to the request is lost in
// its read buffer; the Origin rule and the Handler's decision; refusing a head that
// net/http would refuse, or that could be read two ways; and one shape of HTTP
// error for whatever refuses.
//
// The package must not know sockets, timeouts or counters of an engine.
package upgrade
