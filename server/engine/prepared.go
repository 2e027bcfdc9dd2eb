package engine

// A Prepared is one message that is encoded once and sent to any number of
// connections: a broadcast costs one encoding, and what waits for slow peers may
// refer to the same bytes. It must not change after its first use, nor may the
// memory it refers to, ever: an engine keeps it as long as a peer has not taken
// it. Make one with frame.Prepare.
type Prepared struct {
	// Op is OpText or OpBinary.
	Op Opcode
	// Frame is the whole unmasked frame (RFC 6455 section 5.2), Payload the part of
	// it behind the header.
	Frame, Payload []byte
	// Slow is what becomes of this message where an outbox is full, in place of
	// Config.Slow, if it is not empty.
	Slow SlowPolicy
}

// A Home is the event loop that alone reaches the kernel for some connections.
// Whoever has something for many of them asks it to do so on its own thread: sent
// from elsewhere, each message waits in the outbox until the loop comes by.
type Home interface {
	// Do has job run on the loop's thread, soon and once, behind the jobs of earlier
	// calls; it does not wait. A job must be short, as it holds up all connections
	// of the loop: what is long does a part and asks again, and everything else that
	// waits for the loop comes between. A panic ends the job alone. Do reports false, and the
	// job never runs, once the loop has ended. A job accepted before may be lost
	// then as well, with the connections that it was for.
	Do(job func()) bool
}
