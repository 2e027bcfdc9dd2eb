package diagnose

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// A Reading is what the kernel had counted at one moment and what its limits were,
// each by the kernel's own name. What cannot be read is not in it.
type Reading map[string]int64

// The names that a Reading makes, where the kernel has a file and no name.
const (
	openFiles   = "fs.file-nr"
	fileMax     = "fs.file-max"
	portsFirst  = "ip_local_port_range, first"
	portsLast   = "ip_local_port_range, last"
	portsKept   = "ip_local_reserved_ports"
	tcpPages    = "TCP mem"
	tcpModerate = "tcp_mem, pressure"
	tcpMost     = "tcp_mem, most"
	orphans     = "TCP orphan"
	nofile      = "Max open files"
	trackDrop   = "nf_conntrack drop"
	trackEarly  = "nf_conntrack early_drop"
	trackInsert = "nf_conntrack insert_failed"
)

// The settings of /proc/sys that are one number and are read by their name.
const (
	somaxconn   = "net.core.somaxconn"
	synBacklog  = "net.ipv4.tcp_max_syn_backlog"
	maxTimeWait = "net.ipv4.tcp_max_tw_buckets"
	maxOrphans  = "net.ipv4.tcp_max_orphans"
	trackMax    = "net.netfilter.nf_conntrack_max"
	trackCount  = "net.netfilter.nf_conntrack_count"
	maxWatches  = "fs.epoll.max_user_watches"
)

// Read reads the counters below proc, which is /proc but for tests. It takes
// about as long as opening two dozen small files.
func Read(proc string) Reading {
	r := make(Reading)
	for _, name := range []string{somaxconn, synBacklog, maxTimeWait, maxOrphans, trackMax, trackCount, maxWatches} {
		if v := setting(proc, name); len(v) == 1 {
			r[name] = v[0]
		}
	}
	if v := setting(proc, openFiles); len(v) == 3 { // allocated, 0, most (proc(5))
		r[openFiles], r[fileMax] = v[0], v[2]
	}
	if v := setting(proc, "net.ipv4.ip_local_port_range"); len(v) == 2 {
		r[portsFirst], r[portsLast] = v[0], v[1]
		r[portsKept] = reserved(proc, v[0], v[1])
	}
	if v := setting(proc, "net.ipv4.tcp_mem"); len(v) == 3 { // of the first namespace alone
		r[tcpModerate], r[tcpMost] = v[1], v[2]
	}
	// Of the network namespace of this process.
	r.counters(proc, "netstat", "TcpExt", "ListenOverflows", "ListenDrops", "TCPReqQFullDrop", "TCPReqQFullDoCookies",
		"TCPTimeWaitOverflow", "PruneCalled", "TCPAbortOnMemory", "TCPMemoryPressures")
	r.counters(proc, "snmp", "Tcp", "RetransSegs", "AttemptFails")
	mount, err := procfs.NewFS(proc)
	if err != nil {
		return r
	}
	r.sockstat(mount)
	r.conntrack(mount)
	if self, err := mount.Self(); err == nil {
		if l, err := self.Limits(); err == nil {
			r[nofile] = int64(min(l.OpenFiles, math.MaxInt64))
		}
	}
	return r
}

// counters reads some of a group of counters in /proc/self/net/netstat or snmp: a
// line of names and a line of values. procfs knows most of them, and leaves out
// TCPAbortOnMemory and TCPMemoryPressures.
func (r Reading) counters(proc, file, group string, wanted ...string) {
	text, err := os.ReadFile(filepath.Join(proc, "self/net", file))
	if err != nil {
		return
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, group+":")
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names[:min(len(names), len(fields))] {
			if v, err := strconv.ParseInt(fields[i], 10, 64); err == nil && slices.Contains(wanted, name) {
				r[name] = v
			}
		}
		return
	}
}

// sockstat reads /proc/net/sockstat: pages charged to TCP, and sockets that no
// process holds any more.
func (r Reading) sockstat(mount procfs.FS) {
	stat, err := mount.NetSockstat()
	if err != nil {
		return
	}
	for _, p := range stat.Protocols {
		if p.Protocol != "TCP" {
			continue
		}
		if p.Mem != nil {
			r[tcpPages] = int64(*p.Mem)
		}
		if p.Orphan != nil {
			r[orphans] = int64(*p.Orphan)
		}
	}
}

// conntrack sums what each processor counted of the firewall's table.
func (r Reading) conntrack(mount procfs.FS) {
	stat, err := mount.ConntrackStat()
	if err != nil {
		return
	}
	r[trackDrop], r[trackEarly], r[trackInsert] = 0, 0, 0
	for _, s := range stat {
		r[trackDrop] += int64(s.Drop)
		r[trackEarly] += int64(s.EarlyDrop)
		r[trackInsert] += int64(s.InsertFailed)
	}
}

// setting reads the numbers of a kernel setting, nil if it is not there.
func setting(proc, name string) []int64 {
	text, err := os.ReadFile(path(proc, name))
	if err != nil {
		return nil
	}
	var list []int64
	for _, f := range strings.Fields(string(text)) {
		v, err := strconv.ParseUint(f, 10, 64) // file-max may be the largest uint64
		if err != nil {
			return nil
		}
		list = append(list, int64(min(v, math.MaxInt64)))
	}
	return list
}

func path(proc, name string) string {
	return filepath.Join(proc, "sys", strings.ReplaceAll(name, ".", "/"))
}

// reserved is how many ports from first to last connect(2) does not choose: a
// list of ports and ranges, without overlaps (ip-sysctl,
// ip_local_reserved_ports).
func reserved(proc string, first, last int64) int64 {
	text, err := os.ReadFile(path(proc, "net.ipv4.ip_local_reserved_ports"))
	if err != nil {
		return 0
	}
	var n int64
	for part := range strings.SplitSeq(strings.TrimSpace(string(text)), ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		a, errA := strconv.ParseInt(from, 10, 64)
		b, errB := strconv.ParseInt(to, 10, 64)
		if errA == nil && errB == nil {
			n += max(0, min(b, last)-max(a, first)+1)
		}
	}
	return n
}
