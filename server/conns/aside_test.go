package conns_test

import (
	"testing"

	"signalbench/server/conns"
)

type task func()

func (t task) Run() { t() }

func TestAsideIsDoneWhenItReturns(t *testing.T) {
	t.Parallel()
	n := 0
	for range 1000 {
		conns.Aside(task(func() { n++ }))
	}
	if n != 1000 {
		t.Errorf("ran %d of 1000 tasks", n)
	}
}

// deep uses a kilobyte of stack and as much for each level.
//
//go:noinline
func deep(levels int) (sum byte) {
	var frame [1024]byte
	if levels > 0 {
		frame[levels%len(frame)] = deep(levels - 1)
	}
	for _, b := range frame {
		sum += b
	}
	return sum + 1
}

func TestStackAddressTellsOfGrowth(t *testing.T) {
	t.Parallel()
	for levels, want := range map[int]bool{0: false, 1000: true} {
		moved := make(chan bool)
		go func() {
			var seen [3]uintptr
			for i := range seen {
				if i == 2 && levels > 0 {
					deep(levels)
				}
				seen[i] = conns.StackAddress()
			}
			moved <- seen[2] != seen[1]
		}()
		if got := <-moved; got != want {
			t.Errorf("after %d KiB of stack: moved %v, want %v", levels, got, want)
		}
	}
}
