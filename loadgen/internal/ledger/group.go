package ledger

import (
	"fmt"

	"signalbench/loadgen/internal/proctree"
	"signalbench/results"
)

// A group is the processes of one side, as they were when it was opened. Their
// figures are summed; memory that they share counts once in PSS, and in RSS as
// often as it is mapped.
type group []*process

// openGroup opens pid with its descendants.
func openGroup(root string, pid int) (group, error) {
	tree, err := proctree.Of(root, pid)
	if err != nil {
		return nil, err
	}
	var g group
	for _, pid := range tree {
		p, err := openProcess(root, pid)
		if err != nil {
			return nil, fmt.Errorf("process %d: %w", pid, err)
		}
		g = append(g, p)
	}
	return g, nil
}

// gone lists the pids of those that have ended.
func (g group) gone() []int {
	var pids []int
	for _, p := range g {
		if !p.alive() {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// rss is described at process.rss.
func (g group) rss() (int64, error) {
	var sum int64
	for _, p := range g {
		n, err := p.rss()
		if err != nil {
			return 0, fmt.Errorf("process %d: %w", p.pid, err)
		}
		sum += n
	}
	return sum, nil
}

// memory is described at process.memory.
func (g group) memory() (results.Process, error) {
	sum := unknown
	for i, p := range g {
		m, err := p.memory()
		if err != nil {
			return unknown, fmt.Errorf("process %d: %w", p.pid, err)
		}
		if i == 0 {
			sum = m
			continue
		}
		sum.RSS += m.RSS
		sum.PSS += m.PSS
		sum.Anon += m.Anon
		if sum.Descriptors >= 0 && m.Descriptors >= 0 {
			sum.Descriptors += m.Descriptors
		}
	}
	return sum, nil
}

// use is the CPU time used and the memory resident, approximate as in
// /proc/PID/stat.
func (g group) use() (used cpu, rss int64, err error) {
	for _, p := range g {
		st, err := p.stat()
		if err != nil {
			return cpu{}, 0, fmt.Errorf("process %d: %w", p.pid, err)
		}
		c := cpuOf(st)
		used.user += c.user
		used.system += c.system
		rss += int64(st.ResidentMemory())
	}
	return used, rss, nil
}

// resetPeak is described at process.resetPeak.
func (g group) resetPeak() error {
	for _, p := range g {
		if err := p.resetPeak(); err != nil {
			return err
		}
	}
	return nil
}

// peak is the sum of each one's largest RSS since resetPeak; they need not have
// been that large at the same time.
func (g group) peak() (uint64, error) {
	var sum uint64
	for _, p := range g {
		n, err := p.peak()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
