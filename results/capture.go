package results

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sysctls are the kernel settings that change what a run measures.
var sysctls = []string{
	"fs.file-max", "fs.nr_open",
	"net.core.busy_poll", "net.core.default_qdisc", "net.core.netdev_max_backlog", "net.core.rmem_max",
	"net.core.somaxconn", "net.core.wmem_max",
	"net.ipv4.ip_local_port_range", "net.ipv4.tcp_congestion_control", "net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_max_orphans", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_max_tw_buckets",
	"net.ipv4.tcp_mem", "net.ipv4.tcp_rmem", "net.ipv4.tcp_slow_start_after_idle",
	"net.ipv4.tcp_syncookies", "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_wmem",
	"net.netfilter.nf_conntrack_max",
	"vm.max_map_count", "vm.overcommit_memory",
}

// hugePages is the key in Env.Sysctl of a setting that is no sysctl and decides
// how much RSS a small allocation brings.
const hugePages = "transparent_hugepage"

// CaptureEnv reads the facts of this machine and this program. What cannot be
// read stays empty; it never fails. It asks git for the commit if the program
// was built without one, for at most two seconds.
func CaptureEnv(ctx context.Context) Env {
	e := captureMachine("/")
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		e.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	e.Arch = runtime.GOARCH
	e.Cores = runtime.NumCPU()
	e.Go = runtime.Version()
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		e.NoFile = limit.Cur
	}
	captureBuild(ctx, &e)
	return e
}

// captureMachine reads what /proc and /sys under root tell.
func captureMachine(root string) Env {
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return ""
		}
		return strings.Join(strings.Fields(string(data)), " ")
	}
	e := Env{Sysctl: make(map[string]string), Modules: make(map[string]string)}
	e.CPU = field(filepath.Join(root, "proc/cpuinfo"), "model name")
	if kb, err := strconv.ParseInt(strings.TrimSuffix(field(filepath.Join(root, "proc/meminfo"), "MemTotal"), " kB"), 10, 64); err == nil {
		e.Memory = kb << 10
	}
	for _, name := range sysctls {
		if v := read(filepath.Join("proc/sys", strings.ReplaceAll(name, ".", "/"))); v != "" {
			e.Sysctl[name] = v
		}
	}
	if v := read("sys/kernel/mm/transparent_hugepage/enabled"); v != "" {
		e.Sysctl[hugePages] = chosen(v)
	}
	governors, _ := filepath.Glob(filepath.Join(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
	var seen []string
	for _, g := range governors {
		if rel, err := filepath.Rel(root, g); err == nil {
			if v := read(rel); v != "" && !slices.Contains(seen, v) {
				seen = append(seen, v)
			}
		}
	}
	slices.Sort(seen)
	e.Governor = strings.Join(seen, ",")
	if first, _, ok := strings.Cut(read("proc/loadavg"), " "); ok {
		e.Load1, _ = strconv.ParseFloat(first, 64)
	}
	return e
}

// field reads the first "key : value" line with a key.
func field(path, key string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// chosen returns the word in brackets of "always [madvise] never".
func chosen(s string) string {
	if _, v, ok := strings.Cut(s, "["); ok {
		v, _, _ = strings.Cut(v, "]")
		return v
	}
	return s
}

// captureBuild reads the program's modules and the commit it was built from.
func captureBuild(ctx context.Context, e *Env) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		e.Modules[m.Path] = m.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			e.Commit = s.Value
		case "vcs.modified":
			e.Dirty = s.Value == "true"
		}
	}
	if e.Commit == "" {
		e.Commit, e.Dirty = checkout(ctx, ".", info.Main.Path)
	}
}

// checkout asks git for the commit of the working tree that dir is in, and
// whether files that git knows were changed. It answers only if the tree is that
// of the module: a program may be run inside of somebody else's repository.
func checkout(ctx context.Context, dir, module string) (commit string, dirty bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	git := func(dir string, args ...string) (string, bool) {
		c := exec.CommandContext(ctx, "git", args...)
		c.Dir = dir
		c.WaitDelay = time.Second
		out, err := c.Output()
		return strings.TrimSpace(string(out)), err == nil
	}
	top, ok := git(dir, "rev-parse", "--show-toplevel")
	if !ok {
		return "", false
	}
	mod, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if first, _, _ := strings.Cut(string(mod), "\n"); err != nil || strings.TrimSpace(first) != "module "+module {
		return "", false
	}
	commit, ok = git(top, "rev-parse", "HEAD")
	if !ok {
		return "", false
	}
	changes, ok := git(top, "status", "--porcelain", "--untracked-files=no")
	return commit, ok && changes != ""
}
