package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What can be named here can be installed, and the other way round.
func TestEachHasAnInstaller(t *testing.T) {
	t.Parallel()
	script := filepath.Join("..", "..", "..", "scripts", "peers.sh")
	list := exec.Command("bash", script, "--list")
	list.Env = append(os.Environ(), FolderVariable+"="+t.TempDir())
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	var want string
	for _, p := range All() {
		want += p.Name + " missing\n"
		if !strings.Contains(string(text), "\ninstall_"+p.Name+"() {") {
			t.Errorf("scripts/peers.sh has no install_%s", p.Name)
		}
	}
	if string(out) != want {
		t.Errorf("scripts/peers.sh --list:\n%swant:\n%s", out, want)
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range All() {
		if p.Name == "" || p.Summary == "" || p.IdleBytes <= 0 {
			t.Errorf("%+v lacks something", p)
		}
		if slices.Contains(names, p.Name) {
			t.Errorf("%s is listed twice", p.Name)
		}
		names = append(names, p.Name)
		for _, l := range p.Lesson {
			if l.Case == "" || l.Why == "" {
				t.Errorf("%s: a failure without a name or a reason: %+v", p.Name, l)
			}
		}
	}
	if _, err := Find("nonesuch"); err == nil || !strings.Contains(err.Error(), strings.Join(names, ", ")) {
		t.Errorf("Find(nonesuch) = %v", err)
	}
}

func TestFolder(t *testing.T) {
	t.Setenv(FolderVariable, "")
	t.Setenv("XDG_CACHE_HOME", "/cache")
	if dir, err := Folder(); dir != "/cache/signalbench/peers" || err != nil {
		t.Errorf("in the cache: %q, %v", dir, err)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "/home/ada")
	if dir, err := Folder(); dir != "/home/ada/.cache/signalbench/peers" || err != nil {
		t.Errorf("in the home: %q, %v", dir, err)
	}
	t.Setenv("HOME", "")
	if _, err := Folder(); err == nil || !strings.Contains(err.Error(), FolderVariable) {
		t.Errorf("without a home: %v", err)
	}
	t.Setenv(FolderVariable, "/elsewhere")
	if dir, err := Folder(); dir != "/elsewhere" || err != nil {
		t.Errorf("named: %q, %v", dir, err)
	}
}

func TestArms(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(FolderVariable, folder)
	const name = "node-ws"
	start := filepath.Join(folder, name, "start")
	refused := func(rooms bool, want string, names ...string) {
		t.Helper()
		if arms, err := Arms(names, rooms); arms != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Arms(%v, %v) = %v, %v", names, rooms, arms, err)
		}
	}
	refused(false, "unknown peer", "nonesuch")
	refused(false, "scripts/peers.sh node-ws", name)
	refused(true, "peer node-ws has no rooms", name)
	if err := os.Mkdir(filepath.Dir(start), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(start, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(false, "is not an executable file", name)
	if err := os.Chmod(start, 0o700); err != nil {
		t.Fatal(err)
	}
	arms, err := Arms([]string{name}, false)
	if err != nil || len(arms) != 1 {
		t.Fatalf("%v, %v", arms, err)
	}
	if a := arms[0]; a.Name != name || a.IdleBytes == 0 || a.Program.Path != start || a.Program.Admin {
		t.Errorf("%+v", a)
	}
	if arms, err := Arms(nil, true); arms != nil || err != nil {
		t.Errorf("without names: %v, %v", arms, err)
	}
}
