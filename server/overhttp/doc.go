// Package overhttp is what engines over net/http share: the HTTP server on the
// sockets of package conns, the decision on an opening handshake, with the same
// statuses as those of package upgrade, and taking a connection out of net/http
// without losing what came behind its request.
//
// The package must not know any WebSocket library: an engine upgrades with its own
// what was decided to be upgraded.
package overhttp
