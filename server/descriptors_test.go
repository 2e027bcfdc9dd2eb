package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// reserved is for how many descriptors a server makes room.
func reserved(t *testing.T) uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return min(limit.Cur, mostReserved)
}

// wantRoom holds a process's table to being as large as that.
func wantRoom(t *testing.T, pid int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	size, err := strconv.ParseUint(string(regexp.MustCompile(`FDSize:\s*(\d+)`).FindSubmatch(status)[1]), 10, 64)
	if want := reserved(t); err != nil || size < want {
		t.Errorf("room for %d descriptors, want %d, %v", size, want, err)
	}
}

// The table has room for all that may come, and nothing is left in it.
func TestReserveDescriptors(t *testing.T) {
	last := reserved(t) - 1
	if err := reserveDescriptors(); err != nil {
		t.Fatal(err)
	}
	wantRoom(t, os.Getpid())
	if _, err := unix.FcntlInt(uintptr(last), unix.F_GETFD, 0); err == nil {
		t.Error("the last descriptor is open")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := unix.Dup3(int(null.Fd()), int(last), unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(int(last))
	if err := reserveDescriptors(); err != nil {
		t.Errorf("the last descriptor is in use: %v", err)
	}
}
