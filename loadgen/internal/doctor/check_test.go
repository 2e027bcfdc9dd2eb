package doctor

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// tuned is a machine that holds the plan below in every respect.
func tuned() map[string]string {
	return map[string]string{
		"proc/self/limits":                                limits("1048576", "1048576"),
		"proc/77/limits":                                  limits("1048576", "1048576"),
		"proc/sys/fs/nr_open":                             "1048576\n",
		"proc/sys/fs/file-nr":                             "1000\t0\t9223372036854775807\n",
		"proc/sys/fs/epoll/max_user_watches":              "5000000\n",
		"proc/sys/net/ipv4/ip_local_port_range":           "32768\t60999\n",
		"proc/sys/net/ipv4/tcp_mem":                       "287898\t383866\t575796\n",
		"proc/sys/net/ipv4/tcp_max_orphans":               "1000000\n",
		"proc/sys/net/ipv4/tcp_max_tw_buckets":            "1000000\n",
		"proc/sys/net/ipv4/tcp_max_syn_backlog":           "4096\n",
		"proc/sys/net/core/somaxconn":                     "4096\n",
		"proc/sys/net/netfilter/nf_conntrack_max":         "262144\n",
		"proc/sys/net/netfilter/nf_conntrack_count":       "44\n",
		"proc/net/sockstat":                               "sockets: used 15\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 56\n",
		"proc/meminfo":                                    "MemTotal: 24683620 kB\nMemFree: 20000000 kB\nMemAvailable: 20000000 kB\n",
		"sys/fs/cgroup/memory.max":                        "max\n",
		"sys/fs/cgroup/memory.current":                    "1000000\n",
		"proc/sys/net/unrelated/setting/for/good/measure": "1\n",
	}
}

func limits(soft, hard string) string {
	return "Limit                     Soft Limit           Hard Limit           Units     \n" +
		"Max cpu time              unlimited            unlimited            seconds   \n" +
		"Max open files            " + soft + "  " + hard + "  files     \n"
}

// plan is 100,000 connections to a server on the same machine.
func plan(t testing.TB, files map[string]string) Plan {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Plan{
		Conns: 100_000, ServerHere: true, ServerPID: 77, Pending: 1024,
		Proc: filepath.Join(root, "proc"), Sys: filepath.Join(root, "sys"),
	}
}

func TestTunedMachineHolds(t *testing.T) {
	p := plan(t, tuned())
	list := Check(p)
	for _, l := range list {
		if !l.OK || l.Fix != "" || l.Have < 0 {
			t.Errorf("%s of the %s: %+v", l.Name, l.Side, l)
		}
	}
	if l, ok := FirstBite(list); ok {
		t.Errorf("%s bites", l)
	}
	// nf_conntrack_max is the lowest of all.
	if got := Fits(list); got != 262144-44 {
		t.Errorf("%d connections fit, want %d", got, 262144-44)
	}
}

func TestEachLimitBites(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(map[string]string, *Plan)
		limit  string
		side   Side
		fits   int64
		fix    string
		note   string
	}{
		{
			name:   "soft nofile of the client",
			change: func(f map[string]string, p *Plan) { f["proc/self/limits"] = limits("20000", "1048576") },
			limit:  "nofile", side: Client, fits: 19_936, fix: "ulimit -n 100064",
		},
		{
			name:   "hard nofile of the server",
			change: func(f map[string]string, p *Plan) { f["proc/77/limits"] = limits("20000", "20000") },
			limit:  "nofile", side: Server, fits: 19_936, fix: "--ulimit nofile=100064:100064",
		},
		{
			name: "nofile of a server that is not running",
			change: func(f map[string]string, p *Plan) {
				p.ServerPID = 0
				f["proc/self/limits"] = limits("1024", "4096")
			},
			limit: "nofile", side: Server, fits: 960, fix: "ulimit -n 100064", note: "not running",
		},
		{
			name:   "nr_open",
			change: func(f map[string]string, p *Plan) { f["proc/sys/fs/nr_open"] = "65536" },
			limit:  "fs.nr_open", side: Machine, fits: 65_472, fix: "sysctl -w fs.nr_open=100064",
		},
		{
			name:   "ports of one source address",
			change: func(f map[string]string, p *Plan) { p.Sources = 1 },
			limit:  "net.ipv4.ip_local_port_range", side: Client, fits: 28_232, fix: "listen on 2 ports",
		},
		{
			name:   "ports of two destinations",
			change: func(f map[string]string, p *Plan) { p.Sources, p.Destinations = 1, 2 },
			limit:  "net.ipv4.ip_local_port_range", side: Client, fits: 56_464, fix: `ip_local_port_range="1025 65535"`,
		},
		{
			name:   "conntrack",
			change: func(f map[string]string, p *Plan) { f["proc/sys/net/netfilter/nf_conntrack_max"] = "65536" },
			limit:  "net.netfilter.nf_conntrack_max", side: Machine, fits: 65_492, fix: "nf_conntrack_max=100044",
		},
		{
			name:   "file-max",
			change: func(f map[string]string, p *Plan) { f["proc/sys/fs/file-nr"] = "1000 0 101132" },
			limit:  "fs.file-max", side: Machine, fits: 50_000, fix: "sysctl -w fs.file-max=209324",
		},
		{
			name:   "epoll watches",
			change: func(f map[string]string, p *Plan) { f["proc/sys/fs/epoll/max_user_watches"] = "150000" },
			limit:  "fs.epoll.max_user_watches", side: Machine, fits: (150_000 - 3*ownWatches) / 2, fix: "max_user_watches=200048",
		},
		{
			name: "memory",
			change: func(f map[string]string, p *Plan) {
				f["proc/meminfo"] = "MemTotal: 2000000 kB\nMemAvailable: 1000000 kB\n"
			},
			limit: "memory", side: Machine, fits: (1_024_000_000 - 192<<20 - 71_200_000) / (2*4132 + 17180 + 24), fix: "1712.2 MiB more", note: "25,468 B a connection",
		},
		{
			name:   "a container's memory",
			change: func(f map[string]string, p *Plan) { f["sys/fs/cgroup/memory.max"] = "1001000000" },
			limit:  "memory.max", side: Machine, fits: (1_000_000_000 - 71_200_000) / (2*4132 + 17180 + 24), fix: "start the container with",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := tuned()
			p := Plan{Conns: 100_000, ServerHere: true, ServerPID: 77}
			c.change(files, &p)
			roots := plan(t, files)
			p.Proc, p.Sys = roots.Proc, roots.Sys
			list := Check(p)
			var got *Limit
			for i := range list {
				if list[i].Name == c.limit && list[i].Side == c.side {
					got = &list[i]
				}
			}
			if got == nil {
				t.Fatalf("no limit %s of the %s in %+v", c.limit, c.side, list)
			}
			if got.OK || got.Fits != c.fits || !strings.Contains(got.Fix, c.fix) || !strings.Contains(got.Note, c.note) {
				t.Errorf("got %+v, want it too low, %d to fit, a fix with %q, a note with %q", *got, c.fits, c.fix, c.note)
			}
			if first, ok := FirstBite(list); !ok || first.Fits != c.fits {
				t.Errorf("first bites %s", first)
			}
			r := NewReport(p, list)
			if !strings.Contains(r.Refusal, got.Fix) || !strings.Contains(r.Refusal, "do not fit, "+amount(c.fits, "")+" do:") {
				t.Errorf("%q does not say how to raise it and what fits", r.Refusal)
			}
		})
	}
}

func TestSoftLimitsDoNotBite(t *testing.T) {
	for _, c := range []struct{ file, text, limit string }{
		{"proc/sys/net/ipv4/tcp_mem", "10 20 30", "net.ipv4.tcp_mem"},
		{"proc/sys/net/ipv4/tcp_max_orphans", "4096", "net.ipv4.tcp_max_orphans"},
		{"proc/sys/net/ipv4/tcp_max_tw_buckets", "4096", "net.ipv4.tcp_max_tw_buckets"},
		{"proc/sys/net/core/somaxconn", "128", "net.core.somaxconn"},
		{"proc/sys/net/ipv4/tcp_max_syn_backlog", "128", "net.ipv4.tcp_max_syn_backlog"},
	} {
		files := tuned()
		files[c.file] = c.text
		p := plan(t, files)
		list := Check(p)
		low := 0
		for _, l := range list {
			if !l.OK {
				low++
				if l.Name != c.limit || !l.Soft || l.Fix == "" {
					t.Errorf("%s: %+v", c.limit, l)
				}
			}
		}
		if _, bites := FirstBite(list); low != 1 || bites {
			t.Errorf("%s: %d limits are low, bites %v; want one that does not bite", c.limit, low, bites)
		}
		if r := NewReport(p, list); !r.OK || r.Fits != 262_100 {
			t.Errorf("%s: report is %+v", c.limit, r)
		}
	}
}

func TestTheLowestLimitBitesFirst(t *testing.T) {
	files := tuned()
	files["proc/self/limits"] = limits("50000", "50000")
	files["proc/sys/net/netfilter/nf_conntrack_max"] = "30044"
	files["proc/sys/fs/epoll/max_user_watches"] = "150000"
	first, ok := FirstBite(Check(plan(t, files)))
	if !ok || first.Name != "net.netfilter.nf_conntrack_max" || first.Fits != 30_000 {
		t.Errorf("first bites %+v", first)
	}
}

func TestServerElsewhereHasNoLimitHere(t *testing.T) {
	p := plan(t, tuned())
	p.ServerHere = false
	for _, l := range Check(p) {
		if l.Side == Server {
			t.Errorf("%s is a limit of the server", l.Name)
		}
		if l.Name == "fs.file-max" && l.Need != 100_000+ownDescriptors+laneDescriptors {
			t.Errorf("%d files are needed, want one for each connection", l.Need)
		}
	}
}

func TestWhatCannotBeReadDoesNotBite(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nothing there": {"proc/empty": ""},
		"malformed": {
			"proc/self/limits": "Max open files\n", "proc/sys/fs/nr_open": "many\n", "proc/sys/fs/file-nr": "\n",
			"proc/sys/net/ipv4/ip_local_port_range": "5\n", "proc/sys/net/ipv4/tcp_mem": "1\n", "proc/meminfo": "?\n",
		},
		"nothing tracked": {"proc/sys/net/netfilter/nf_conntrack_max": "5", "proc/sys/net/netfilter/nf_conntrack_count": "0"},
	} {
		list := Check(plan(t, files))
		if l, ok := FirstBite(list); ok {
			t.Errorf("%s: %s bites", name, l)
		}
		for _, l := range list {
			if l.Have != -1 || l.Note == "" || !strings.Contains(l.String(), "not known") {
				t.Errorf("%s: %s of the %s says %q with note %q", name, l.Name, l.Side, l, l.Note)
			}
		}
	}
}

func TestHugePlanDoesNotOverflow(t *testing.T) {
	p := plan(t, tuned())
	p.Conns = math.MaxInt64 / 2
	for _, l := range Check(p) {
		if l.Need < 0 || l.Fits < -1 || (l.OK && !l.Soft && l.Fits >= 0 && l.Name != "net.ipv4.ip_local_port_range" && l.Name != "fs.file-max") {
			t.Errorf("%+v", l)
		}
		for _, s := range l.Settings {
			if strings.Contains(s.Value, "-") {
				t.Errorf("%s=%s", s.Name, s.Value)
			}
		}
	}
}

func TestThisMachineCanBeRead(t *testing.T) {
	list := Check(Plan{Conns: 1, ServerHere: true, ServerPID: os.Getpid(), Pending: 1})
	if l, ok := FirstBite(list); ok {
		t.Errorf("one connection does not fit: %s", l)
	}
	for _, l := range list[:2] {
		if l.Name != "nofile" || l.Have < 1 {
			t.Errorf("%+v", l)
		}
	}
}

func TestReport(t *testing.T) {
	files := tuned()
	files["proc/self/limits"] = limits("20000", "20000")
	files["proc/sys/net/ipv4/tcp_max_orphans"] = "131072"
	for name, p := range map[string]Plan{"low": plan(t, files), "tuned": plan(t, tuned())} {
		r := NewReport(p, Check(p))
		var text, js bytes.Buffer
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteJSON(&js); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", text.Bytes())
		golden(t, name+".json", js.Bytes())
		var back Report
		if err := json.Unmarshal(js.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, back); diff != "" {
			t.Errorf("%s: JSON loses something (-wrote +read):\n%s", name, diff)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, diff)
	}
}

func FuzzLimits(f *testing.F) {
	f.Add(limits("1", "2"), "1 2 3")
	f.Add("Max open files unlimited unlimited", "18446744073709551615")
	f.Add("Max open files -5 -5", "-1")
	f.Fuzz(func(t *testing.T, text, setting string) {
		if soft, hard := parseNofile(text); soft < -1 || hard < -1 {
			t.Errorf("%q gives %d and %d", text, soft, hard)
		}
		for _, v := range parseNumbers(setting) {
			if v < 0 {
				t.Errorf("%q gives %d", setting, v)
			}
		}
	})
}
