package trial

import (
	"signalbench/loadgen/internal/fdtable"
	"signalbench/loadgen/internal/proctree"
	"signalbench/results"
)

// tables reads the descriptor tables of the server's processes. One that has ended, or
// may not be read, is not in the answer.
func tables(proc string, pid int) map[int]fdtable.Table {
	all := make(map[int]fdtable.Table)
	if pid == 0 {
		return all
	}
	processes, err := proctree.Of(proc, pid)
	if err != nil {
		return all
	}
	for _, pid := range processes {
		if t, err := fdtable.Of(proc, pid); err == nil {
			all[pid] = t
		}
	}
	return all
}

// outgrown tells of tables that grew since before: the stops are the server's own, and
// a reader of its slowest upgrades should know where they are from.
func (r *runner) outgrown(phase string, before map[int]fdtable.Table) {
	n, least, most := 0, 0, 0
	for pid, now := range tables(r.tempo.proc, r.plan.ServerPID) {
		then, known := before[pid]
		if !known || now.Size <= then.Size || now.Threads < 2 {
			continue
		}
		if n++; n == 1 || then.Size < least {
			least = then.Size
		}
		most = max(most, now.Size)
	}
	if n > 0 {
		r.find(results.Note, results.CheckRamp, phase, "in %d of the server's processes the table of descriptors grew, from %d entries to %d: where threads share one, whoever wants "+
			"a descriptor waits at each doubling for a grace period of RCU, 5 to 25 ms, which is in the slowest upgrades (fs/file.c, expand_fdtable)", n, least, most)
	}
}
