package main

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// The table has room for all that may come, and nothing is left in it.
func TestReserveDescriptors(t *testing.T) {
	for range 2 {
		if err := reserveDescriptors(); err != nil {
			t.Fatal(err)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	size, _ := strconv.ParseUint(string(regexp.MustCompile(`FDSize:\s*(\d+)`).FindSubmatch(status)[1]), 10, 64)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	want := min(limit.Cur, mostReserved)
	if size < want {
		t.Errorf("room for %d descriptors, want %d", size, want)
	}
	if _, err := unix.FcntlInt(uintptr(want-1), unix.F_GETFD, 0); err == nil {
		t.Errorf("descriptor %d is open", want-1)
	}
}
