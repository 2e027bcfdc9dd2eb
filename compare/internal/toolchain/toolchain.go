// Package toolchain finds the signalbench module and builds its server and load
// generator with the go command. It owns the folder of the binaries.
//
// The package must not know what the binaries are for.
package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Module is the module that the commands are built from.
const Module = "signalbench"

// Binaries are the two programs that a comparison starts.
type Binaries struct {
	Server  string // path of the executable
	Loadgen string // path of the executable
	remove  string // folder to remove on Close; empty if it is not ours
}

// Close removes what Build made.
func (b Binaries) Close() error {
	if b.remove == "" {
		return nil
	}
	return os.RemoveAll(b.remove)
}

// In returns the binaries "server" and "loadgen" of a folder that was filled by
// someone else, or says which is missing.
func In(dir string) (Binaries, error) {
	b := Binaries{Server: filepath.Join(dir, "server"), Loadgen: filepath.Join(dir, "loadgen")}
	for _, path := range []string{b.Server, b.Loadgen} {
		info, err := os.Stat(path)
		if err != nil {
			return Binaries{}, fmt.Errorf("looking for binaries: %w", err)
		}
		if info.IsDir() || info.Mode()&0o111 == 0 {
			return Binaries{}, fmt.Errorf("looking for binaries: %s is not an executable file", path)
		}
	}
	return b, nil
}

// Root returns the root folder of the module around dir.
func Root(ctx context.Context, dir string) (string, error) {
	gomod, err := goCommand(ctx, dir, "env", "GOMOD")
	if err != nil {
		return "", err
	}
	if gomod == "" || gomod == os.DevNull {
		return "", fmt.Errorf("%s is outside of the module %s: run compare inside a clone of it, or give ready binaries with --bin", dir, Module)
	}
	name, err := goCommand(ctx, dir, "list", "-m")
	if err != nil {
		return "", err
	}
	if name != Module {
		return "", fmt.Errorf("%s belongs to the module %s, not to %s: run compare inside a clone of it, or give ready binaries with --bin", dir, name, Module)
	}
	return filepath.Dir(gomod), nil
}

// Build builds both binaries of the module around dir into a temporary folder.
// The caller must Close the result.
func Build(ctx context.Context, dir string) (Binaries, error) {
	root, err := Root(ctx, dir)
	if err != nil {
		return Binaries{}, err
	}
	tmp, err := os.MkdirTemp("", "signalbench-bin-")
	if err != nil {
		return Binaries{}, fmt.Errorf("making a folder for the binaries: %w", err)
	}
	if _, err := goCommand(ctx, root, "build", "-o", tmp+string(filepath.Separator), "./server", "./loadgen"); err != nil {
		return Binaries{}, errors.Join(err, os.RemoveAll(tmp))
	}
	b, err := In(tmp)
	if err != nil {
		return Binaries{}, errors.Join(err, os.RemoveAll(tmp))
	}
	b.remove = tmp
	return b, nil
}

// goCommand runs the go command in dir and returns its trimmed standard output.
func goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// The compilers that go starts end with it, also on Ctrl-C.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("go %s in %s: %w\n%s", strings.Join(args, " "), dir, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(stdout.String()), nil
}
