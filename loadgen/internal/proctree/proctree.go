// Package proctree finds the processes that a server is made of.
package proctree

import (
	"fmt"
	"slices"

	"github.com/prometheus/procfs"
)

// Of returns pid and its descendants, as the /proc at root shows them now: a
// server may be one process or a parent with workers. pid comes first, the
// others by number.
func Of(root string, pid int) ([]int, error) {
	mount, err := procfs.NewFS(root)
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	all, err := mount.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	children := make(map[int][]int)
	for _, p := range all {
		if st, err := p.Stat(); err == nil && st.State != "Z" { // else it has just ended
			children[st.PPID] = append(children[st.PPID], p.PID)
		}
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	slices.Sort(tree[1:])
	return tree, nil
}
