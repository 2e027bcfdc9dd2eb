package toolchain

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeModule writes a module with two small commands, so that the test does not
// pay for the real ones.
func fakeModule(t *testing.T, name, server string) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range map[string]string{
		"go.mod":          "module " + name + "\n\ngo 1.26\n",
		"server/main.go":  server,
		"loadgen/main.go": "package main\n\nfunc main() {}\n",
		"deep/er/doc.txt": "",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const emptyMain = "package main\n\nfunc main() {}\n"

func TestBuild(t *testing.T) {
	t.Parallel()
	b, err := Build(t.Context(), filepath.Join(fakeModule(t, Module, emptyMain), "deep", "er"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := In(filepath.Dir(b.Server)); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(b.Loadgen); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, dir, want string
	}{
		{"no module", t.TempDir(), "outside of the module signalbench"},
		{"other module", fakeModule(t, "example.com/other", emptyMain), "belongs to the module example.com/other"},
		{"does not compile", fakeModule(t, Module, "package main\n\nfunc main() { x }\n"), "undefined: x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Build(t.Context(), tt.dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Build = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestBuildInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, "."); !errors.Is(err, context.Canceled) {
		t.Errorf("Build = %v, want context.Canceled", err)
	}
}

func TestIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := In(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("In an empty folder = %v", err)
	}
	for _, name := range []string{"server", "loadgen"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := In(dir); err == nil || !strings.Contains(err.Error(), "not an executable") {
		t.Errorf("In a folder of plain files = %v", err)
	}
}
