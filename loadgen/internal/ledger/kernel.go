package ledger

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/procfs"

	"signalbench/results"
)

// A kernel reads the kernel's memory of the whole machine.
type kernel struct {
	fs      procfs.FS
	sys     string            // /sys/kernel/slab
	rename  map[string]string // name in slabinfo to the socket cache it stands for
	sockets []string          // socket caches in /sys/kernel/slab
	slab    bool              // slabinfo can be read
	notes   []string
}

func openKernel(proc, sys string) (*kernel, error) {
	mount, err := procfs.NewFS(proc)
	if err != nil {
		return nil, err
	}
	k := &kernel{fs: mount, sys: filepath.Join(sys, "kernel/slab")}
	if _, err := k.fs.Meminfo(); err != nil {
		return nil, err
	}
	info, err := k.fs.SlabInfo()
	if err != nil {
		k.notes = append(k.notes, "the kernel's slab caches are not known: "+reason(err))
		return k, nil
	}
	k.slab = true
	if !slices.ContainsFunc(info.Slabs, func(s *procfs.Slab) bool { return s.Name == "filp" }) {
		k.notes = append(k.notes, "the kernel lists no cache of open files (filp): its slab caches are likely not those of this machine")
	}
	k.aliases(info)
	return k, nil
}

// reason shortens the error that anybody but root gets.
func reason(err error) string {
	if os.IsPermission(err) {
		return "/proc/slabinfo is readable by root alone"
	}
	return err.Error()
}

// aliases finds out which caches share one: SLUB merges caches of equal layout,
// and slabinfo then lists one name for all. In /sys/kernel/slab every name of a
// merged cache is a link to the same folder (":A-0000128").
func (k *kernel) aliases(info procfs.SlabInfo) {
	entries, err := os.ReadDir(k.sys)
	if err != nil {
		k.notes = append(k.notes, "which slab caches share one is not known: "+err.Error())
		return
	}
	shared := make(map[string][]string) // folder to names
	folder := make(map[string]string)   // name to folder
	for _, e := range entries {
		name := e.Name()
		if slices.Contains(results.SocketCaches(), name) {
			k.sockets = append(k.sockets, name)
		}
		if e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		if to, err := os.Readlink(filepath.Join(k.sys, name)); err == nil {
			shared[to] = append(shared[to], name)
			folder[name] = to
		}
	}
	k.rename = make(map[string]string)
	for _, s := range info.Slabs {
		names := shared[folder[s.Name]]
		if len(names) < 2 {
			continue
		}
		// The first socket cache of the group, in the order of reports, names it.
		for _, socket := range results.SocketCaches() {
			if !slices.Contains(names, socket) {
				continue
			}
			if socket != s.Name {
				k.rename[s.Name] = socket
			}
			others := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == socket })
			k.notes = append(k.notes, fmt.Sprintf("the kernel keeps %s in one slab cache with %s: kernel.%s counts all of them",
				socket, strings.Join(others, ", "), socket))
			break
		}
	}
	slices.Sort(k.notes)
}

// shrink makes the caches of sockets give back their free slabs, and the slabs
// that are set aside for one CPU, which slabinfo counts as full of active
// objects. It needs root and is left out without.
func (k *kernel) shrink() {
	for _, name := range k.sockets {
		_ = os.WriteFile(filepath.Join(k.sys, name, "shrink"), []byte("1"), 0)
	}
}

func (k *kernel) read() (results.Kernel, error) {
	r := results.Kernel{Slab: map[string]results.SlabCache{}, TCPMem: -1, TCPInUse: -1, TimeWait: -1, Orphans: -1}
	if k.slab {
		info, err := k.fs.SlabInfo()
		if err != nil {
			return r, fmt.Errorf("reading slabinfo: %w", err)
		}
		page := int64(os.Getpagesize())
		for _, s := range info.Slabs {
			if s.ObjNum == 0 && !slices.Contains(results.SocketCaches(), s.Name) {
				continue // most of a hundred caches are empty
			}
			name := s.Name
			if n, ok := k.rename[name]; ok {
				name = n
			}
			r.Slab[name] = results.SlabCache{
				Active: s.ObjActive, ObjSize: s.ObjSize, PerSlab: s.ObjPerSlab,
				SlabBytes: s.PagesPerSlab * page, Bytes: s.SlabNum * s.PagesPerSlab * page,
			}
		}
	}
	if err := k.sockstat(&r); err != nil {
		return r, err
	}
	m, err := k.fs.Meminfo()
	if err != nil {
		return r, fmt.Errorf("reading meminfo: %w", err)
	}
	r.MemTotal, r.MemFree, r.MemAvailable = bytesOf(m.MemTotalBytes), bytesOf(m.MemFreeBytes), bytesOf(m.MemAvailableBytes)
	return r, nil
}

func bytesOf(v *uint64) int64 {
	if v == nil {
		return -1
	}
	return int64(*v)
}

// sockstat reads the TCP counters. Those of IPv6 sockets in use stand apart;
// TIME-WAIT, orphans and memory are of both.
func (k *kernel) sockstat(r *results.Kernel) error {
	four, err := k.fs.NetSockstat()
	if err != nil {
		return fmt.Errorf("reading sockstat: %w", err)
	}
	for _, p := range four.Protocols {
		if p.Protocol == "TCP" {
			r.TCPInUse = int64(p.InUse)
			r.TCPMem, r.TimeWait, r.Orphans = count(p.Mem), count(p.TW), count(p.Orphan)
		}
	}
	six, err := k.fs.NetSockstat6() // absent without IPv6
	if err != nil {
		return nil
	}
	for _, p := range six.Protocols {
		if p.Protocol == "TCP6" && r.TCPInUse >= 0 {
			r.TCPInUse += int64(p.InUse)
		}
	}
	return nil
}

func count(v *int) int64 {
	if v == nil {
		return -1
	}
	return int64(*v)
}

// tcpPages is what is charged to TCP, in pages, or -1.
func (k *kernel) tcpPages() int64 {
	var r results.Kernel
	r.TCPMem = -1
	if err := k.sockstat(&r); err != nil {
		return -1
	}
	return r.TCPMem
}

// Holdings reads what the kernel holds of files and TCP sockets now. Free slabs are
// given back first, as before a settled reading.
func (s *Sampler) Holdings() results.Holdings { return s.kernel.holdings() }

func (k *kernel) holdings() results.Holdings {
	h := results.Holdings{Sockets: -1, Orphans: -1, TimeWait: -1, TCPMem: -1, Files: -1, Objects: -1}
	var r results.Kernel
	if err := k.sockstat(&r); err == nil {
		h.Sockets, h.Orphans, h.TimeWait, h.TCPMem = r.TCPInUse, r.Orphans, r.TimeWait, r.TCPMem
	}
	if nr, err := k.fs.SysctlInts("fs.file-nr"); err == nil && len(nr) > 0 {
		h.Files = int64(nr[0])
	}
	if !k.slab {
		return h
	}
	k.shrink()
	if info, err := k.fs.SlabInfo(); err == nil {
		h.Objects = 0
		for _, s := range info.Slabs {
			if s.Name == "TCP" || s.Name == "TCPv6" {
				h.Objects += s.ObjActive
			}
		}
	}
	return h
}
