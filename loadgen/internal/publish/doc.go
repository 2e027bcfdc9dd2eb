// Package publish sends messages to channels through the server's admin listener: each
// is a POST /publish/NAME (HTTP/1.1, RFC 9112), whose answer says how many connections
// took it.
//
// Requests go out on connections of the lane itself, one behind the other without
// waiting for answers (pipelining, RFC 9112 section 9.3.2), so that a slow server
// delays what it answers and not what it is asked, and the moment of sending is known
// where the message is accounted for. What is published to one channel goes over one
// connection, and so arrives in order.
//
// All of it belongs to the lane's thread. The package must not know what messages say.
package publish
