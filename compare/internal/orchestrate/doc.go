// Package orchestrate carries out a comparison: for each repetition and each
// arm it starts a fresh server, lets the load generator measure it, and stops
// it again. One server of ours is alive at a time, the order of the arms is
// interleaved over the repetitions, and an engine that fails the conformance
// kit is not measured.
//
// A step that fails is recorded and the rest goes on; the suite is then
// INVALID. Whatever happens, no process that was started outlives Run.
//
// The package must not know how load is made or how a report looks; it knows
// the two programs by their command lines alone.
package orchestrate
