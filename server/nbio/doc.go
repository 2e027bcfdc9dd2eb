// Package nbio is an engine over github.com/lesismal/nbio in its non-blocking mode:
// nbhttp parses requests and its websocket package frames, both on the library's own
// epoll loops; messages are handled on its pool of goroutines, in order for each
// connection. An idle connection has no goroutine and no buffer, but a timer
// for its silence.
//
// Around it is what a user of the library can add with its public hooks: a listener
// with patience and limits, the count of what waits for a peer, which is what was
// written less what the library says the kernel took, close frames where the library
// would only close the socket, and their arrival before it is closed. The silence is timed here
// and sockets are closed by the loop that has their events: the library closes them on
// any goroutine, and a late event of the old one would end the next with its number. Where
// a write has failed that cannot be helped, and the next one waits for the loop. UTF-8 is checked
// here, as the library's check answers with another code.
//
// It speaks no TLS: the library has its own copy of crypto/tls with types of its own.
package nbio
