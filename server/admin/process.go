package admin

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Process is the kernel's view of this process.
type Process struct {
	RSS         int64         `json:"rss_bytes"`   // resident, shared pages included (proc(5), smaps_rollup)
	PSS         int64         `json:"pss_bytes"`   // with shared pages divided among those who share
	Anon        int64         `json:"anon_bytes"`  // of the resident, not backed by a file
	Descriptors int64         `json:"descriptors"` // open, those of this answer included
	User        time.Duration `json:"user_ns"`     // processor time, of all threads
	System      time.Duration `json:"system_ns"`
}

func readProcess() (p Process, err error) {
	fields := []struct {
		name string
		into *int64
	}{{"Rss", &p.RSS}, {"Pss", &p.PSS}, {"Anonymous", &p.Anon}}
	rollup, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return p, fmt.Errorf("reading memory: %w", err)
	}
	for _, f := range fields {
		if *f.into, err = kilobytes(rollup, f.name); err != nil {
			return p, fmt.Errorf("reading memory: %w", err)
		}
	}
	if p.Descriptors, err = countDescriptors("/proc/self/fd"); err != nil {
		return p, fmt.Errorf("counting descriptors: %w", err)
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return p, fmt.Errorf("reading processor time: %w", err)
	}
	p.User, p.System = time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano())
	return p, nil
}

// countDescriptors returns the size of a directory of /proc, which since Linux 6.2
// is the number of descriptors.
func countDescriptors(dir string) (int64, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// kilobytes finds a line like "Rss:   1234 kB" and returns its figure in bytes.
func kilobytes(file []byte, name string) (int64, error) {
	for line := range bytes.Lines(file) {
		field, value, _ := bytes.Cut(line, []byte(":"))
		if string(field) != name {
			continue
		}
		figure, unit, _ := bytes.Cut(bytes.TrimSpace(value), []byte(" "))
		n, err := strconv.ParseInt(string(figure), 10, 64)
		if err != nil || string(unit) != "kB" {
			return 0, fmt.Errorf("line %q is no figure in kB", bytes.TrimSpace(line))
		}
		return n << 10, nil
	}
	return 0, errors.New("no line " + name)
}
