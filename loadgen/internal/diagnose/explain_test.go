package diagnose

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"signalbench/results"
)

// quiet is a machine on which nothing stands against anything. Counters are not
// zero: what counts is what they rose by.
func quiet() map[string]string {
	return map[string]string{
		"self/net/netstat":                       line("TcpExt", "SyncookiesSent 7 PruneCalled 100 ListenOverflows 100 ListenDrops 300 TCPAbortOnMemory 100 TCPMemoryPressures 100 TCPTimeWaitOverflow 100 TCPReqQFullDoCookies 100 TCPReqQFullDrop 100"),
		"self/net/snmp":                          line("Tcp", "ActiveOpens 9 AttemptFails 100 RetransSegs 100"),
		"self/limits":                            "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            20000                20000                files     \n",
		"net/sockstat":                           "sockets: used 15\nTCP: inuse 1 orphan 33 tw 0 alloc 1 mem 56\n",
		"net/stat/nf_conntrack":                  tracked(10, 10, 10),
		"sys/net/netfilter/nf_conntrack_max":     "262144\n",
		"sys/net/netfilter/nf_conntrack_count":   "44\n",
		"sys/net/core/somaxconn":                 "8\n",
		"sys/net/ipv4/tcp_max_syn_backlog":       "16\n",
		"sys/net/ipv4/tcp_max_tw_buckets":        "131072\n",
		"sys/net/ipv4/tcp_max_orphans":           "65536\n",
		"sys/net/ipv4/tcp_mem":                   "287898\t383866\t575796\n",
		"sys/net/ipv4/ip_local_port_range":       "32768\t60999\n",
		"sys/net/ipv4/ip_local_reserved_ports":   "\n",
		"sys/fs/file-nr":                         "1000\t0\t100000\n",
		"sys/fs/epoll/max_user_watches":          "50000\n",
		"sys/net/unrelated/setting/for/contrast": "1\n",
	}
}

// line is a group of /proc/net/netstat or snmp: a line of names and one of values.
func line(group, pairs string) string {
	f := strings.Fields(pairs)
	names, values := group+":", group+":"
	for i := 0; i < len(f); i += 2 {
		names, values = names+" "+f[i], values+" "+f[i+1]
	}
	return names + "\n" + values + "\n"
}

// tracked is /proc/net/stat/nf_conntrack of two processors that count half each.
func tracked(insertFailed, drop, early int) string {
	text := "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n"
	for range 2 {
		text += fmt.Sprintf("0000002c  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 %08x %08x %08x 00000000  00000000 00000000 00000000 00000000\n",
			insertFailed/2, drop/2, early/2)
	}
	return text
}

func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		if rest, ok := strings.CutPrefix(name, "self/"); ok {
			name = filepath.Join("77", rest)
		}
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("77", filepath.Join(root, "self")); err != nil {
		t.Fatal(err)
	}
	return root
}

// raised has a counter of a file at 412 in place of 100.
func raised(file, counter string) func(map[string]string) {
	return func(f map[string]string) {
		names, values, _ := strings.Cut(f[file], "\n")
		i := slices.Index(strings.Fields(names), counter)
		list := strings.Fields(values)
		if i > 0 {
			list[i] = "412"
		}
		f[file] = names + "\n" + strings.Join(list, " ") + "\n"
	}
}

func all(changes ...func(map[string]string)) func(map[string]string) {
	return func(f map[string]string) {
		for _, c := range changes {
			c(f)
		}
	}
}

func written(file, text string) func(map[string]string) {
	return func(f map[string]string) { f[file] = text }
}

const (
	netstat = "self/net/netstat"
	snmp    = "self/net/snmp"
	stat    = "net/stat/nf_conntrack"
)

// Each cause is told by itself, with what was read before and after, the limit
// and how to raise it.
func TestEachCauseIsTold(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(map[string]string)
		failed map[results.Cause]uint64
		says   []string // of the only cause
	}{
		{
			name: "accept backlog", change: raised(netstat, "ListenOverflows"),
			says: []string{"ListenOverflows rose by 312 (100 to 412)", "net.core.somaxconn is 8", "sysctl -w net.core.somaxconn=1024"},
		},
		{
			name: "handshakes in progress", change: raised(netstat, "TCPReqQFullDrop"),
			says: []string{"TCPReqQFullDrop rose by 312 (100 to 412)", "tcp_max_syn_backlog is 16", "sysctl -w net.ipv4.tcp_max_syn_backlog=1024"},
		},
		{
			name: "other drops of a listener", change: raised(netstat, "ListenDrops"),
			says: []string{"ListenDrops rose by 112 (300 to 412), 112 of it for no full queue"},
		},
		{
			name: "TCP under pressure", change: raised(netstat, "TCPMemoryPressures"),
			says: []string{"TCPMemoryPressures rose by 312 (100 to 412)", "TCP has 56 pages; from 383866 on it is moderated, at most 575796", `sysctl -w net.ipv4.tcp_mem="575796 1151592 1727388"`},
		},
		{
			name: "TCP without memory", change: all(raised(netstat, "TCPAbortOnMemory"), written("net/sockstat", "sockets: used 15\nTCP: inuse 1 orphan 33 tw 0 alloc 1 mem 383866\n")),
			says: []string{"TCPAbortOnMemory rose by 312 (100 to 412): the kernel reset connections for lack of memory (TCP has 383866 pages; from 383866 on"},
		},
		{
			name: "too many orphans", change: raised(netstat, "TCPAbortOnMemory"),
			says: []string{"TCPAbortOnMemory rose by 312 (100 to 412)", "too many orphaned sockets; 33 are left (net.ipv4.tcp_max_orphans is 65536); raise it with: sysctl -w net.ipv4.tcp_max_orphans=131072"},
		},
		{
			name: "too many orphans, in a namespace of its own",
			change: all(raised(netstat, "TCPAbortOnMemory"), func(f map[string]string) {
				delete(f, "sys/net/ipv4/tcp_max_orphans")
				delete(f, "sys/net/ipv4/tcp_mem")
			}),
			says: []string{"too many orphaned sockets; 33 are left (net.ipv4.tcp_max_orphans is told in the first network namespace alone)"},
		},
		{
			name: "firewall full", change: all(written(stat, tracked(10, 322, 10)), written("sys/net/netfilter/nf_conntrack_count", "262144\n")),
			says: []string{"nf_conntrack drop rose by 312 (10 to 322)", "tracks 262144 connections, at most net.netfilter.nf_conntrack_max=262144", "sysctl -w net.netfilter.nf_conntrack_max=263144"},
		},
		{
			name: "firewall full, to be seen by its count alone",
			change: all(written("sys/net/netfilter/nf_conntrack_count", "262100\n"),
				func(f map[string]string) { delete(f, stat) }),
			says: []string{"nf_conntrack_count is 262100", "at most net.netfilter.nf_conntrack_max=262144"},
		},
		{
			name: "firewall makes room", change: written(stat, tracked(10, 10, 322)),
			says: []string{"nf_conntrack early_drop rose by 312 (10 to 322)", "nf_conntrack_max=262144"},
		},
		{
			name: "firewall does not take them", change: written(stat, tracked(322, 10, 10)),
			says: []string{"nf_conntrack insert_failed rose by 312 (10 to 322)"},
		},
		{
			name: "files of the machine", change: written("sys/fs/file-nr", "99990 0 100000"),
			says: []string{"fs.file-nr is 99990 (before: 1000) of at most fs.file-max=100000", "sysctl -w fs.file-max=101990"},
		},
		{
			name: "files of the machine, as a dial saw it", change: written("sys/fs/file-nr", "5000 0 100000"),
			failed: map[results.Cause]uint64{results.CauseFiles: 4},
			says:   []string{"4 dials met the limit of files of the machine (ENFILE): fs.file-nr is 5000", "sysctl -w fs.file-max=7000"},
		},
		{
			name: "files of the machine, and none to read how many there are", change: func(f map[string]string) { delete(f, "sys/fs/file-nr") },
			failed: map[results.Cause]uint64{results.CauseFiles: 4},
			says:   []string{"(ENFILE): fs.file-nr was 1000 before, and there is no file left to read it now", "sysctl -w fs.file-max=3000"},
		},
		{
			name: "ports", failed: map[results.Cause]uint64{results.CauseNoAddress: 5},
			says: []string{"5 dials found no free local port (EADDRNOTAVAIL): net.ipv4.ip_local_port_range is 32768 to 60999;", `ip_local_port_range="1025 65535"`},
		},
		{
			name: "ports kept back", change: written("sys/net/ipv4/ip_local_reserved_ports", "100,32760-32769,40000,60998-65535\n"),
			failed: map[results.Cause]uint64{results.CauseNoAddress: 5},
			says:   []string{"of which net.ipv4.ip_local_reserved_ports keeps 5 back"},
		},
		{
			name: "descriptors", failed: map[results.Cause]uint64{results.CauseDescriptors: 6},
			says: []string{"6 dials met the limit of descriptors of this process (EMFILE): nofile is 20000", "ulimit -n 1064"},
		},
		{
			name: "epoll", failed: map[results.Cause]uint64{results.CauseWatches: 6},
			says: []string{"6 dials met the limit of descriptors in epoll instances (ENOSPC) (fs.epoll.max_user_watches is 50000)", "max_user_watches=100000"},
		},
		{
			name: "kernel's memory", failed: map[results.Cause]uint64{results.CauseNoMemory: 6},
			says: []string{"6 dials found the kernel without memory"},
		},
		{
			name: "refused", change: raised(snmp, "AttemptFails"), failed: map[results.Cause]uint64{results.CauseRefused: 312},
			says: []string{"312 dials were refused (ECONNREFUSED)", "AttemptFails rose by 312 (100 to 412)"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := quiet()
			before := Read(lay(t, files))
			if c.change != nil {
				c.change(files)
			}
			got := Explain(before, Read(lay(t, files)), Dials{Conns: 1000, Pending: 1024, Causes: c.failed})
			causes := got.Causes
			if len(causes) != 1 {
				t.Fatalf("%d causes: %q", len(causes), causes)
			}
			for _, s := range c.says {
				if !strings.Contains(got.String(), s) {
					t.Errorf("%q\ndoes not say %q", got, s)
				}
			}
		})
	}
}

// One trouble that several counters count is told as what it is, and no other is.
func TestCountersOfOneTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		counters []string
		starts   []string // the causes, in order
		never    string
	}{
		"drops that a full queue made": {[]string{"TCPReqQFullDrop", "ListenDrops"}, []string{"TCPReqQFullDrop"}, "ListenDrops"},
		"resets under pressure":        {[]string{"TCPMemoryPressures", "TCPAbortOnMemory"}, []string{"TCPMemoryPressures", "TCPAbortOnMemory"}, "orphan"},
	} {
		files := quiet()
		before := Read(lay(t, files))
		for _, counter := range c.counters {
			raised(netstat, counter)(files)
		}
		got := Explain(before, Read(lay(t, files)), Dials{Conns: 1000, Pending: 1024})
		same := slices.EqualFunc(got.Causes, c.starts, strings.HasPrefix)
		if !same || strings.Contains(got.String(), c.never) {
			t.Errorf("%s: %q", name, got.Causes)
		}
	}
}

// The advice about orphans is never less than what did not suffice.
func TestMoreOrphans(t *testing.T) {
	files := quiet()
	before := Read(lay(t, files))
	raised(netstat, "TCPAbortOnMemory")(files)
	for conns, want := range map[int64]string{1000: "tcp_max_orphans=131072", 900_000: "tcp_max_orphans=900000"} {
		if got := Explain(before, Read(lay(t, files)), Dials{Conns: conns}); !strings.HasSuffix(got.String(), want) {
			t.Errorf("%d connections: %q, want %s", conns, got, want)
		}
	}
}

// What accompanies trouble is told, and not as its cause.
func TestSignsAreNoCauses(t *testing.T) {
	for counter, file := range map[string]string{
		"RetransSegs": snmp, "AttemptFails": snmp, "PruneCalled": netstat, "TCPReqQFullDoCookies": netstat, "TCPTimeWaitOverflow": netstat,
	} {
		files := quiet()
		before := Read(lay(t, files))
		raised(file, counter)(files)
		got := Explain(before, Read(lay(t, files)), Dials{Conns: 1000, Pending: 1024, Causes: map[results.Cause]uint64{results.CauseTimeout: 9}})
		if len(got.Causes) != 0 || !strings.HasPrefix(got.String(), "no counter explains it; "+counter+" rose by 312 (100 to 412)") {
			t.Errorf("%s: %q", counter, got)
		}
	}
}

// A machine on which nothing rose has no cause, nor has one that tells nothing.
func TestNothingIsClaimed(t *testing.T) {
	still := Read(lay(t, quiet()))
	if len(still) != 30 {
		t.Errorf("%d counters and limits were read: %q", len(still), slices.Sorted(maps.Keys(still)))
	}
	nothing := Read(lay(t, nil))
	for name, pair := range map[string][2]Reading{"nothing rose": {still, still}, "nothing can be read": {nothing, nothing}, "known since": {nothing, still}} {
		if got := Explain(pair[0], pair[1], Dials{Conns: 1000, Causes: map[results.Cause]uint64{results.CauseTimeout: 5}}); got.String() != "no counter explains it" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// What is high enough is not told to be raised.
func TestHighLimitsStay(t *testing.T) {
	files := quiet()
	files["sys/net/core/somaxconn"] = "4096\n"
	before := Read(lay(t, files))
	raised(netstat, "ListenOverflows")(files)
	got := Explain(before, Read(lay(t, files)), Dials{Conns: 1000, Pending: 1024}).String()
	if strings.Contains(got, "sysctl") || !strings.Contains(got, "somaxconn is 4096") || !strings.Contains(got, "listen(2)") {
		t.Errorf("%q", got)
	}
}

func TestThisMachineCanBeRead(t *testing.T) {
	r := Read("/proc")
	for _, name := range []string{"ListenOverflows", "ListenDrops", "TCPReqQFullDrop", "TCPReqQFullDoCookies", "TCPTimeWaitOverflow", "PruneCalled", "TCPAbortOnMemory",
		"TCPMemoryPressures", "RetransSegs", "AttemptFails", openFiles, fileMax, portsFirst, portsLast, tcpPages, orphans, somaxconn, synBacklog, maxWatches, nofile} {
		if _, ok := r[name]; !ok {
			t.Errorf("%s was not read", name)
		}
	}
	if m, err := ReadMemory("/proc"); err != nil || m.Room <= 0 || m.Room > m.Total {
		t.Errorf("memory %+v, %v", m, err)
	}
}

func TestFailures(t *testing.T) {
	got := Failures(map[results.Cause]uint64{results.CauseRefused: 3, results.CauseTimeout: 280, results.CauseReset: 3, results.CauseFiles: 0})
	if want := "280 timeout, 3 connection refused, 3 connection reset"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
