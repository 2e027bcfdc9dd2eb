package fdtable

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// opened is how many descriptors a process of the benchmark opens, one after the
// other.
const opened = 10_000

// TestMain is such a process where the environment says for how many it makes room.
func TestMain(m *testing.M) {
	if room, err := strconv.Atoi(os.Getenv("FDTABLE_ROOM")); err == nil {
		if err := open(room); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// open prints the longest time for a descriptor, and the time for all, in ns.
func open(room int) error {
	if room > 0 {
		if err := Reserve(room); err != nil {
			return err
		}
	}
	var longest time.Duration
	began := time.Now()
	for range opened {
		start := time.Now()
		if _, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return err
		}
		longest = max(longest, time.Since(start))
	}
	_, err := fmt.Println(int64(longest), int64(time.Since(began)))
	return err
}

// BenchmarkOpen is what the doublings of the table cost a process of several threads,
// as every program in Go is, and what is left of that with room made before.
func BenchmarkOpen(b *testing.B) {
	for name, room := range map[string]int{"as it comes": 0, "reserved": opened + 64} {
		b.Run(name, func(b *testing.B) {
			var longest, all int64
			for b.Loop() {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "FDTABLE_ROOM="+strconv.Itoa(room))
				out, err := cmd.Output()
				if err != nil {
					b.Fatal(err)
				}
				var l, a int64
				if _, err := fmt.Sscan(string(out), &l, &a); err != nil {
					b.Fatal(err)
				}
				longest, all = longest+l, all+a
			}
			b.ReportMetric(float64(longest)/float64(b.N)/1e6, "longest-ms")
			b.ReportMetric(float64(all)/float64(b.N)/1e6, "all-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}
