package doctor

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// large is a machine of 2 cores and 24 GiB on which root has raised nothing but
// fs.file-max, with the limit of descriptors of a container: 2,700,000
// connections of netpoll were held on it, and 909 MB of MemFree were left.
func large(t *testing.T, conns int64, change map[string]string) Plan {
	t.Helper()
	files := map[string]string{
		"proc/self/limits":                      limits("20000", "20000"),
		"proc/sys/fs/nr_open":                   "1048576\n",
		"proc/sys/fs/file-nr":                   "1400\t0\t8000000\n",
		"proc/sys/fs/epoll/max_user_watches":    "6500000\n",
		"proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
		"proc/sys/net/ipv4/tcp_mem":             "287898\t383866\t575796\n",
		"proc/sys/net/ipv4/tcp_max_orphans":     "131072\n",
		"proc/sys/net/ipv4/tcp_max_tw_buckets":  "131072\n",
		"proc/net/sockstat":                     "sockets: used 15\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 66\n",
		"proc/meminfo":                          "MemTotal: 24683656 kB\nMemFree: 23950000 kB\nMemAvailable: 24000000 kB\n",
	}
	for name, text := range change {
		files[name] = text
	}
	p := plan(t, files)
	p.Conns, p.ServerPID, p.Pending, p.ServerBytes = conns, 0, 0, 180
	p.Shards = Processes(conns, 20_000)
	p.Tables = parts(conns, 19_700)
	return p
}

// What was measured fits, a little more does too, and what no memory is there
// for is refused with the number that it would hold.
func TestMemoryOfALargeRun(t *testing.T) {
	for conns, fits := range map[int64]bool{2_700_000: true, 2_800_000: true, 3_200_000: false} {
		r := NewReport(large(t, conns, nil), Check(large(t, conns, nil)))
		if r.OK != fits || r.Fits < 2_800_000 || r.Fits > 2_850_000 || r.Raised != r.Fits {
			t.Errorf("%d: %v, %d fit, %d at most", conns, r.OK, r.Fits, r.Raised)
		}
		if fits {
			continue
		}
		for _, want := range []string{
			"3,200,000 connections do not fit, 2,8", "memory (memory for sockets and both processes, machine): 22.7 GiB left, 25.8 GiB needed; 2,8",
			"no setting raises memory, which holds 2,8", " more, fewer --conns, or a leaner engine",
		} {
			if !strings.Contains(r.Refusal, want) {
				t.Errorf("%q is not in\n%s", want, r.Refusal)
			}
		}
	}
}

// The number that is said to fit does, and one more does not, also where a
// process or an event loop more is needed.
func TestWhatFitsIsExact(t *testing.T) {
	for _, conns := range []int64{3_200_000, 1_000_000_000} {
		p := large(t, conns, nil)
		fits := NewReport(p, Check(p)).Fits
		c := checker{Plan: p.withDefaults()}
		have := int64(24_000_000)<<10 - 192<<20
		if c.bytes(fits) > have || c.bytes(fits+1) <= have {
			t.Errorf("of %d: %d take %d B, one more %d B, there are %d B", conns, fits, c.bytes(fits), c.bytes(fits+1), have)
		}
	}
}

// A server that runs has taken the memory of its processes already.
func TestRunningServerIsNotCountedTwice(t *testing.T) {
	p := checker{Plan: large(t, 100_000, nil).withDefaults()}
	before := p.bytes(100_000)
	p.ServerPID = 77
	if got := before - p.bytes(100_000); got != serverProgram+6*serverProcess {
		t.Errorf("%d B less, want those of 6 processes and their program", got)
	}
}

// All that is too low is told at once, and the settings as sysctl.conf has them.
func TestAllThatIsLowAtOnce(t *testing.T) {
	p := large(t, 1_500_000, map[string]string{
		"proc/sys/fs/file-nr":                       "1400 0 2400000",
		"proc/sys/fs/epoll/max_user_watches":        "2000000",
		"proc/sys/net/netfilter/nf_conntrack_max":   "262144",
		"proc/sys/net/netfilter/nf_conntrack_count": "44",
	})
	p.ServerBytes = 17_180
	r := NewReport(p, Check(p))
	golden(t, "refusal.txt", []byte(r.Refusal+"\n"))
	var b bytes.Buffer
	if err := r.WriteSettings(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "settings.txt", b.Bytes())
	if r.Fits != 262_100 || r.Raised < 900_000 || r.Raised > 1_000_000 {
		t.Errorf("%d fit, %d when all is raised", r.Fits, r.Raised)
	}
}

// A server that is one process is bound by its own limits, and told the way out.
func TestServerThatIsOneProcess(t *testing.T) {
	p := large(t, 100_000, nil)
	p.Shards = 1
	r := NewReport(p, Check(p))
	if r.Fits != 20_000-ownDescriptors || !strings.Contains(r.Refusal, "19,936 do") || !strings.Contains(r.Refusal, "server --shards auto") {
		t.Errorf("%d fit\n%s", r.Fits, r.Refusal)
	}
	p = large(t, 2_000_000, map[string]string{"proc/self/limits": limits("1048576", "1048576")})
	p.Shards = 1
	if r := NewReport(p, Check(p)); r.Fits != 1_048_576-ownDescriptors || !strings.Contains(r.Refusal, "fs.nr_open=2000064") {
		t.Errorf("%d fit\n%s", r.Fits, r.Refusal)
	}
}

// A number of any size has an answer: what a resource holds does not depend on
// how much of it was asked for.
func TestAbsurdNumbers(t *testing.T) {
	for _, conns := range []int64{1_000_000_000, 1 << 40, 1<<63 - 1} {
		p := large(t, conns, map[string]string{"proc/self/limits": limits("unlimited", "unlimited")})
		p.Sources, p.Destinations = 1, 1
		r := NewReport(p, Check(p))
		if r.OK || r.Fits != 28_232 || r.Raised < 2_700_000 || r.Raised > 2_900_000 {
			t.Errorf("%d: %d fit, %d at most", conns, r.Fits, r.Raised)
		}
		if !strings.Contains(r.Refusal, "pairs of source and destination") || strings.Contains(r.Refusal, "-1") {
			t.Errorf("%d:\n%s", conns, r.Refusal)
		}
	}
	for _, c := range []struct{ conns, descriptors, want int64 }{
		{1, 20_000, 1}, {19_936, 20_000, 1}, {19_937, 20_000, 2}, {1<<63 - 1, 20_000, (1<<63-2)/19_936 + 1}, {5, 64, 5}, {0, 1024, 1},
	} {
		if got := Processes(c.conns, c.descriptors); got != c.want {
			t.Errorf("%s: %d processes, want %d", fmt.Sprint(c), got, c.want)
		}
	}
}

// Under a supervisor one process may divide its connections among tables as well: it
// is these that count then.
func TestServerUnderASupervisor(t *testing.T) {
	stat := func(pid, parent int) string {
		return fmt.Sprintf("%d (server) S %d %d 1 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 8 0 100 1000000 500 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", pid, parent, pid)
	}
	files := tuned()
	files["proc/77/stat"], files["proc/78/stat"] = stat(77, 1), stat(78, 77)
	files["proc/78/limits"] = limits("20000", "20000")
	for tables, fits := range map[int64]bool{0: false, 5: false, 6: true} {
		p := plan(t, files)
		p.ServerTables = tables
		for _, l := range Check(p) {
			if l.Name == "nofile" && l.Side == Server && l.OK != fits {
				t.Errorf("%d tables: %+v", tables, l)
			}
		}
	}
}
