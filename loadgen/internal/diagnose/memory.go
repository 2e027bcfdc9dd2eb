package diagnose

import (
	"fmt"

	"github.com/prometheus/procfs"
)

const (
	// leastReserve and reserveShare are what dialling leaves free, the larger of
	// both: enough for both sides to close what is open and to write results,
	// above the kernel's own minimum (vm.min_free_kbytes, 66 MiB on 24 GiB), below
	// which it kills processes.
	leastReserve = 192 << 20
	reserveShare = 0.0075
)

// Memory is what the machine has, in bytes.
type Memory struct {
	Total int64
	// Room is what can be had at once: free pages, and pages of files that are
	// neither mapped, nor dirty, nor locked. MemAvailable is more: it takes the
	// inodes and dentries of open sockets to be reclaimable, which they are not.
	Room int64
}

// Reserve is the room that dialling has to leave.
func (m Memory) Reserve() int64 {
	return max(leastReserve, int64(reserveShare*float64(m.Total)))
}

// ReadMemory reads it from /proc/meminfo (proc(5)) below proc.
func ReadMemory(proc string) (Memory, error) {
	mount, err := procfs.NewFS(proc)
	if err != nil {
		return Memory{}, err
	}
	m, err := mount.Meminfo()
	if err != nil {
		return Memory{}, fmt.Errorf("reading meminfo: %w", err)
	}
	if m.MemTotalBytes == nil || m.MemFreeBytes == nil {
		return Memory{}, fmt.Errorf("reading meminfo: it tells no MemTotal or no MemFree")
	}
	of := func(v *uint64) int64 {
		if v == nil {
			return 0
		}
		return int64(*v)
	}
	// The lists of file pages hold neither locked pages nor those of tmpfs.
	files := of(m.ActiveFileBytes) + of(m.InactiveFileBytes) - of(m.MappedBytes) - of(m.DirtyBytes) - of(m.WritebackBytes)
	return Memory{Total: of(m.MemTotalBytes), Room: of(m.MemFreeBytes) + max(0, files)}, nil
}
