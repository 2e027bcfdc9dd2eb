// Package gate decides who may open a connection, before the upgrade: by a signed
// token, by how many connections an address has, and by how often it asks for
// another. To what it let in it hands an [Admission], by which a handler learns
// what the token says and whether one more message is within the address's rate.
//
// An address is an IPv4 address, or the /64 of an IPv6 address, since that is
// what one host is given (RFC 6177 section 2). What is known of addresses is
// bounded: those without connections are forgotten when their rates have
// recovered, and the longest idle of them earlier when there are too many.
//
// The package must not know engines, rooms, or where a secret comes from. It opens
// no descriptors and never blocks, so that it may run on an event loop.
package gate
