package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// A second signal ends this process at once, and the kernel then ends the
	// children.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	if err != nil && err.Error() != "" {
		fmt.Fprintln(os.Stderr, "compare:", err)
	}
	os.Exit(exitCode(err))
}

// The exit codes of all commands.
const (
	codeFailed      = 1
	codeInvalid     = 2
	codeInterrupted = 130
)

// A codeError is an error with an exit code of its own. With a nil err all has
// been said already.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *codeError) Unwrap() error { return e.err }

func exitCode(err error) int {
	var c *codeError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &c):
		return c.code
	case errors.Is(err, context.Canceled):
		return codeInterrupted
	}
	return codeFailed
}

// cli is the command line.
type cli struct {
	Run       runCommand       `cmd:"" default:"withargs" help:"Measure engines side by side (this is what happens without a command)."`
	Reproduce reproduceCommand `cmd:"" help:"Repeat what somebody published about very many connections, and put published beside measured."`
	Report    reportCommand    `cmd:"" help:"Show results that are there, and write their report again."`
	Sweep     sweepCommand     `cmd:"" help:"Measure engines under several settings of the Go runtime."`
	Diff      diffCommand      `cmd:"" help:"Tell what became better or worse between two results."`
	Peers     peersCommand     `cmd:"" help:"List the servers in other languages, and which of them are installed."`
	Doctor    doctorCommand    `cmd:"" help:"Tell which limits of this machine a number of connections runs into, and the fix."`
}

// A session is what every command runs with.
type session struct {
	ctx            context.Context
	args           []string // without the program's name
	stdout, stderr io.Writer
}

// run runs one command. Standard input is not read by any.
func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var c cli
	helped := false
	parser, err := kong.New(&c,
		kong.Name("compare"),
		kong.Description("Measure WebSocket engines side by side, and show what can be believed of it."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return fmt.Errorf("describing the command line: %w", err)
	}
	parsed, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w (compare --help lists the flags)", err)
	}
	return parsed.Run(&session{ctx: ctx, args: args, stdout: stdout, stderr: stderr})
}
