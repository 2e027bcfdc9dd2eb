// Package service is what runs on an engine: one handler for all paths, which
// asks the gate who may come in and gives each connection to what its path names:
// the echo, the rooms, a channel, or the red envelopes.
//
// Without a gate a connection carries nothing for it; behind one it carries what
// it was let in with. The package must not know engines or flags.
package service
