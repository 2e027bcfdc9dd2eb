package results

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCaptureMachine(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"proc/cpuinfo":                                         "processor\t: 0\nmodel name\t: Some CPU @ 2.0 GHz\nprocessor\t: 1\nmodel name\t: Other\n",
		"proc/meminfo":                                         "MemTotal:       24683620 kB\nMemFree: 1 kB\n",
		"proc/loadavg":                                         "1.25 0.5 0.1 1/100 4242\n",
		"proc/sys/net/ipv4/tcp_mem":                            "287898\t383866\t575796\n",
		"proc/sys/net/core/somaxconn":                          "4096\n",
		"proc/sys/kernel/hostname":                             "secret\n",
		"sys/kernel/mm/transparent_hugepage/enabled":           "always [madvise] never\n",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
		"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance\n",
		"sys/devices/system/cpu/cpu2/cpufreq/scaling_governor": "powersave\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := Env{
		CPU: "Some CPU @ 2.0 GHz", Memory: 24683620 << 10, Load1: 1.25, Governor: "performance,powersave",
		Sysctl: map[string]string{
			"net.ipv4.tcp_mem": "287898 383866 575796", "net.core.somaxconn": "4096", "transparent_hugepage": "madvise",
		},
		Modules: map[string]string{},
	}
	if diff := cmp.Diff(want, captureMachine(root)); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Env{Sysctl: map[string]string{}, Modules: map[string]string{}}, captureMachine(t.TempDir())); diff != "" {
		t.Errorf("a machine that tells nothing (-want +got):\n%s", diff)
	}
}

func TestCaptureEnvOfThisMachine(t *testing.T) {
	e := CaptureEnv(t.Context())
	if e.Kernel == "" || e.Arch != runtime.GOARCH || e.Cores < 1 || e.Memory < 1<<20 || e.Go == "" || e.NoFile < 1 ||
		e.Sysctl["net.ipv4.ip_local_port_range"] == "" {
		t.Errorf("environment is %+v", e)
	}
	if host, err := os.Hostname(); err == nil && len(host) > 3 {
		data, err := encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), `"`+host+`"`) {
			t.Errorf("the environment names the machine %q", host)
		}
	}
}

func TestCheckout(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("git is not installed")
	}
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what, module, commit string, dirty bool) {
		t.Helper()
		if c, d := checkout(t.Context(), dir, module); c != commit || d != dirty {
			t.Errorf("%s: commit %q, dirty %v, want %q, %v", what, c, d, commit, dirty)
		}
	}
	expect("no repository", "example.org/m", "", false)
	git("init", "-q")
	write("go.mod", "module example.org/m\n\ngo 1.26\n")
	expect("no commit", "example.org/m", "", false)
	git("add", "go.mod")
	git("commit", "-q", "-m", "one")
	head := git("rev-parse", "HEAD")
	expect("clean", "example.org/m", head, false)
	expect("somebody else's repository", "signalbench", "", false)
	write("untracked", "")
	expect("an untracked file", "example.org/m", head, false)
	write("go.mod", "module example.org/m\n\ngo 1.25\n")
	expect("changed", "example.org/m", head, true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, _ := checkout(ctx, dir, "example.org/m"); c != "" {
		t.Errorf("git was asked after the context ended: %q", c)
	}
}

func TestDiffEnv(t *testing.T) {
	a := Env{
		Kernel: "6.18", Arch: "amd64", CPU: "x", Cores: 2, Memory: 1, Go: "go1.26", NoFile: 20_000, Commit: "abc", Load1: 0.1,
		Sysctl: map[string]string{"net.core.somaxconn": "4096", "fs.nr_open": "1"}, Modules: map[string]string{"github.com/gobwas/ws": "v1.5.0"},
	}
	b := a
	b.Load1 = 1.9
	if diff := DiffEnv(a, b); diff != nil {
		t.Errorf("environments that agree differ in %q", diff)
	}
	b = Env{
		Kernel: "6.1", Arch: "arm64", CPU: "y", Cores: 4, Memory: 2, Go: "go1.25", NoFile: 1024, Governor: "powersave", Commit: "def", Dirty: true,
		Sysctl:  map[string]string{"net.core.somaxconn": "128", "fs.nr_open": "1"},
		Modules: map[string]string{"github.com/gobwas/ws": "v1.5.0", "golang.org/x/sys": "v0.49.0"},
	}
	want := []string{
		`kernel differs: "6.18" and "6.1"`,
		`architecture differs: "amd64" and "arm64"`,
		`CPU differs: "x" and "y"`,
		`number of cores differs: 2 and 4`,
		`memory in bytes differs: 1 and 2`,
		`Go version differs: "go1.26" and "go1.25"`,
		`descriptor limit differs: 20000 and 1024`,
		`CPU frequency governor differs: none and "powersave"`,
		`commit differs: "abc" and "def"`,
		`working tree with uncommitted changes differs: false and true`,
		`sysctl net.core.somaxconn differs: "4096" and "128"`,
		`module golang.org/x/sys differs: none and "v0.49.0"`,
	}
	if diff := cmp.Diff(want, DiffEnv(a, b)); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}
