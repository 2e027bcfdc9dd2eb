// Package tlswire puts TLS (crypto/tls) on top of another transport.
//
// crypto/tls is written for a connection that blocks. Its handshake runs here
// as a coroutine on the thread of the lane, which is left whenever it wants
// bytes that have not come; afterwards a read without bytes returns a temporary
// error, from which a tls.Conn recovers. So there is no goroutine and no lock
// for a connection.
//
// What it costs: several KB of heap for each connection (keys, a record buffer),
// so the generator's own memory is no measure then; and a handshake computes for
// up to a millisecond on the lane's thread, where everything else that is due
// waits. The latter shows as schedule lag.
package tlswire
