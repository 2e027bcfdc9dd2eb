package proctree

import (
	"bufio"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A child's child belongs to the tree; what has ended does not.
func TestOf(t *testing.T) {
	cmd := exec.Command("sh", "-c", `true & sleep 60 & echo $!; wait`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	grandchild, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range []int{grandchild, cmd.Process.Pid} {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		_ = cmd.Wait()
	})
	tree, err := Of("/proc", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if tree[0] != os.Getpid() || !slices.Contains(tree, cmd.Process.Pid) || !slices.Contains(tree, grandchild) {
		t.Errorf("tree %v lacks one of %d, %d, %d", tree, os.Getpid(), cmd.Process.Pid, grandchild)
	}
	if sub, err := Of("/proc", cmd.Process.Pid); err != nil || sub[0] != cmd.Process.Pid || slices.Contains(sub, os.Getpid()) {
		t.Errorf("tree of the child: %v, %v", sub, err)
	}
}
