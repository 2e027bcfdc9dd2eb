// Package enginetest is the conformance kit: what a WebSocket echo server must
// do before its speed or memory is worth measuring.
//
// A [Case] needs nothing but a [Target], which is a URL and what is known of
// the server's limits, so the same cases run against every engine of this
// project and against any echo server in any language. [Cases] lists them,
// [Run] runs them, [Report] tells the outcome. A case that cannot be decided
// with what the Target knows is skipped with the reason, never passed.
//
// [Test] runs the kit as subtests against an engine over real sockets, and adds
// the [EntryCase]s, which need the engine itself: drain, connection limit, the
// order of handler calls, fan-out, the counters.
//
// The kit writes frames by hand, because no client library would send most of
// what is sent here, and because a client that shares code with the server
// shares its mistakes. It must not know any engine, and reads of the project
// only the contract in server/engine.
//
// # Strictness
//
// The RFC binds the sender in a few places where it does not say what a receiver
// does about a violation. A server that then neither fails the connection nor
// misreads what follows passes with a note, a [Leniency], which the report
// shows.
package enginetest
