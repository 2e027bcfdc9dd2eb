package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"github.com/alecthomas/kong"
)

// interrupted is the exit code after a signal that was not waited out.
const interrupted = 130

// The main goroutine keeps the main thread: no poller may give that a descriptor
// table of its own.
func init() { runtime.LockOSThread() }

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(interrupted)
	}()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil:
		return
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "server: interrupted")
		os.Exit(interrupted)
	}
	fmt.Fprintln(os.Stderr, "server:", err)
	os.Exit(1)
}

// cli is the command line.
type cli struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Serve until a signal comes (this is what happens without a command)."`
	Conform conformCommand `cmd:"" help:"Run the conformance kit against a server, this one or any other."`
	Engines enginesCommand `cmd:"" help:"List the engines."`
	Bench   benchCommand   `cmd:"" help:"Time single operations of a server in this process."`
	Token   tokenCommand   `cmd:"" help:"Make a token for a server that asks for one."`
	TCP     tcpCommand     `cmd:"" name:"tcp" help:"Echo bytes over TCP, without WebSocket, in one of five ways."`
}

// A session is what every command runs with.
type session struct {
	ctx            context.Context
	stdout, stderr io.Writer
	flags          []*kong.Flag // of the command that runs
	args           []string
}

// run runs one command. It returns when that is done or ctx is.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c cli
	helped := false
	parser, err := kong.New(&c,
		kong.Name("server"),
		kong.Description("A WebSocket signaling server on an engine of your choice."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ValueFormatter(withDefault),
		kong.Vars{"engines": engineNames(), "secret": secretVariable},
	)
	if err != nil {
		return fmt.Errorf("describing the command line: %w", err)
	}
	parsed, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w (%s --help says what there is)", err, commandOf(err))
	}
	return parsed.Run(&session{ctx: ctx, stdout: stdout, stderr: &oneAtATime{w: stderr}, flags: parsed.Flags(), args: args})
}

// commandOf returns the command whose arguments an error of the parser is about.
func commandOf(err error) string {
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		if node := parse.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "server serve" // what happens without a command
}

// withDefault is a flag's help, and its default if that says something.
func withDefault(v *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(v)
	if v.HasDefault && v.Default != "0" && v.Default != "" {
		help += " Default " + v.Default + "."
	}
	return help
}

// oneAtATime lets one goroutine write at a time: the log and the line every
// second share a writer.
type oneAtATime struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *oneAtATime) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}
