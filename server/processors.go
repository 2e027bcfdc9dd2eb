package main

import (
	"os"
	"runtime"
)

// roomFor lets each of so many event loops on locked threads run as soon as its
// wait ends. A thread that waits in the kernel keeps its place among GOMAXPROCS for
// up to 10 ms (runtime/proc.go, retake), so with fewer places than threads one that
// has something to do waits for one that has nothing. What the environment says of
// GOMAXPROCS stays.
func roomFor(loops int) {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), loops+2))
	}
}
