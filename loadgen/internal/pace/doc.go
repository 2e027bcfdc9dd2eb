// Package pace says when operations are due.
//
// A [Schedule] is a pure value: no clock, no state, no randomness. Operation n
// is due at Due(n) after the start, whoever asks and how often, so a generator
// that is late knows exactly how late it is, and m agents that each take every
// m-th operation need not talk to each other.
//
// The package must not know what an operation is.
package pace
