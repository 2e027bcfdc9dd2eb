// Package trial carries out one plan from its first connection to its last: ramp
// with plateaus, then for each workload warm-up, window and drain, or a storm, and
// the same again beside adversaries if it asks for any, then teardown; and writes
// what was counted, timed and read to a results folder.
//
// One goroutine conducts. It hands stages to lanes, waits for moments or for
// lanes to be through, and once a second collects what they have recorded. No
// load is made here, and nothing here is on the way of a message.
//
// The package must not know flags, terminals or exit codes.
package trial
