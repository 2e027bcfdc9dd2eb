// Command loadgen puts load on a WebSocket server and reports what it measured,
// with the reasons to trust it or not.
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

// Exit codes. 0 is a valid run.
const (
	exitError       = 1
	exitInvalid     = 2
	exitInterrupted = 130
)

var (
	errInvalid     = errors.New("the run is INVALID")
	errInterrupted = errors.New("interrupted")
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cancel() // end in good order
		<-signals
		fmt.Fprintln(os.Stderr, "loadgen: interrupted twice: nothing more is written")
		os.Exit(exitInterrupted)
	}()
	os.Exit(report(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// report tells an error and returns the exit code for it.
func report(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "loadgen:", err)
	switch {
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errInvalid):
		return exitInvalid
	}
	return exitError
}

// cli is the command line.
type cli struct {
	Run    runCommand    `cmd:"" help:"Put load on a server and write the results to a folder."`
	Doctor doctorCommand `cmd:"" help:"Compute which limits of this machine stand against a number of connections."`
}

// A session is what every command runs with.
type session struct {
	ctx            context.Context
	args           []string
	stdout, stderr io.Writer
}

// run runs one command. It returns when that is done or ctx is.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c cli
	helped := false
	parser, err := kong.New(&c,
		kong.Name("loadgen"),
		kong.Description("A WebSocket load generator whose numbers carry their own proof."),
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
		return fmt.Errorf("%w (loadgen run --help lists the flags)", err)
	}
	return parsed.Run(&session{ctx: ctx, args: args, stdout: stdout, stderr: stderr})
}
