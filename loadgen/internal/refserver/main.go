// Command refserver is a WebSocket echo server whose faults are known exactly:
// a fixed delay, a pause of the whole server, one spoiled echo in N, a wrong
// answer to the opening handshake, or a fixed number of bytes held for each
// connection. The load generator's claims are tested against what it says it
// did.
//
// It prints one line when it listens and, on SIGTERM or SIGINT, one line with
// its record:
//
//	{"pid":123,"listen":["127.0.0.1:34567"]}
//	{"upgraded":100,"messages":5000,"spoiled":5,...}
//
// It is one thread over epoll, so that its timing is its own. It must share no
// code with the engines or with the load generator: a mistake in both would
// cancel out.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// flags are the faults; without any it is a plain echo server.
type flags struct {
	Listen     string        `default:"127.0.0.1:0" help:"Address to listen on, IPv4."`
	Answer     answer        `default:"right" enum:"right,wrong-accept,status-200,garbage,close,silence" help:"Answer to an opening handshake: ${enum}."`
	RightFirst uint64        `help:"Opening handshakes that are answered right before --answer holds."`
	Delay      time.Duration `help:"Send each echo this long after its message arrived."`
	StallEvery time.Duration `default:"1s" help:"Time from the start of one stall to that of the next."`
	StallFor   time.Duration `help:"Length of a stall: nothing is read or written."`
	Spoil      fault         `default:"none" enum:"none,drop,double,reorder,corrupt,behead,mask,close,reset" help:"What happens to a spoiled echo: ${enum}."`
	Every      uint64        `default:"1000" help:"Spoil every Nth echo, all connections together."`
	PerConn    int           `help:"Bytes to hold for each connection, all of them touched."`
	MaxConns   int           `default:"20000" help:"Highest descriptor that is served, and the size of the tables made at the start."`
}

func (f *flags) Validate() error {
	switch {
	case f.Every == 0:
		return errors.New("--every is at least 1")
	case f.StallFor < 0 || f.StallFor > 0 && f.StallFor >= f.StallEvery:
		return errors.New("--stall-for is shorter than --stall-every")
	case f.Delay < 0 || f.PerConn < 0 || f.MaxConns < 1:
		return errors.New("--delay, --per-conn and --max-conns are not negative")
	}
	return nil
}

// A record is what the server did.
type record struct {
	Upgraded uint64 `json:"upgraded"`
	Messages uint64 `json:"messages"` // data messages received
	Spoiled  uint64 `json:"spoiled"`  // echoes that were spoiled
	Echoes   uint64 `json:"echoes"`   // data messages written, doubles included
	// Stalls counts whole stalls; Stalled is their time together.
	Stalls  int           `json:"stalls"`
	Stalled time.Duration `json:"stalled_ns"`
	// DelayP50, DelayP99 and DelayMax are of the time from a message's arrival
	// to its echo written, as it really was; see server.read.
	DelayP50 time.Duration `json:"delay_p50_ns"`
	DelayP99 time.Duration `json:"delay_p99_ns"`
	DelayMax time.Duration `json:"delay_max_ns"`
}

func main() {
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var f flags
	kong.Parse(&f)
	if err := run(ctx, &f, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "refserver:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done.
func run(ctx context.Context, f *flags, stdout io.Writer) error {
	s, err := newServer(f)
	if err != nil {
		return err
	}
	defer s.close()
	out := json.NewEncoder(stdout)
	if err := out.Encode(map[string]any{"pid": os.Getpid(), "listen": []string{s.addr}}); err != nil {
		return err
	}
	if err := s.serve(ctx.Done()); err != nil {
		return err
	}
	return out.Encode(s.record())
}
