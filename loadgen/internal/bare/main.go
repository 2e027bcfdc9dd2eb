// Command bare is the floor under every figure of signalbench: two processes
// of one event thread each that echo fixed-size records over plain TCP
// connections, or connect and accept, by raw system calls and nothing else.
//
//	bare echo --conns 5000 --payload 128    round trips per second, closed loop
//	bare connect --conns 10240              connections per second
//
// What a load generator and a WebSocket server reach on the same machine at the
// same time is given as a ratio to it. The command must not know WebSocket, and
// nothing of it may be slower than it has to be: no allocation and no
// scheduler between two system calls. scripts/peers/floor.c is the same in C.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"signalbench/loadgen/internal/fdtable"
	"signalbench/loadgen/internal/yardstick"
)

// listenerFD is where a server half finds the listener that it inherits.
const listenerFD = 3

type command struct {
	Echo    echoPlan    `cmd:"" help:"Echo records, one in flight on each connection."`
	Connect connectPlan `cmd:"" help:"Connect and accept."`

	ServeEcho    echoPlan    `cmd:"" hidden:""`
	ServeConnect connectPlan `cmd:"" hidden:""`
}

// A result is what the command prints.
type result struct {
	Count     uint64        `json:"count"` // round trips, or connections
	Elapsed   time.Duration `json:"elapsed_ns"`
	PerSecond float64       `json:"per_s"`
}

func newResult(count uint64, elapsed time.Duration) result {
	return result{count, elapsed, float64(count) / elapsed.Seconds()}
}

func main() {
	// Each half lives on one thread that the runtime leaves alone: nothing is
	// allocated after the start, so the collector has nothing to do.
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	var c command
	if err := run(kong.Parse(&c).Command(), &c); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func run(name string, c *command) error {
	conns := max(c.Echo.Conns, c.Connect.Conns, c.ServeEcho.Conns, c.ServeConnect.Conns)
	const others = 64 // what is not a connection
	if err := fdtable.Reserve(conns + others); err != nil {
		return err
	}
	switch name {
	case "serve-echo":
		return serveEcho(listenerFD, c.ServeEcho)
	case "serve-connect":
		return serveConnect(listenerFD, c.ServeConnect)
	case "echo":
		return against("serve-echo", func(port int) (result, error) { return echo(port, c.Echo) })
	default:
		return against("serve-connect", func(port int) (result, error) { return connect(port, c.Connect) })
	}
}

// against starts the server half with the client's own arguments, runs the
// client half, and prints its result.
func against(half string, client func(port int) (result, error)) error {
	l, port, err := yardstick.Listen()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	server := exec.Command(self, append([]string{half}, os.Args[2:]...)...)
	server.Stderr = os.Stderr
	server.ExtraFiles = []*os.File{os.NewFile(uintptr(l), "listener")}
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := server.Start(); err != nil {
		return fmt.Errorf("starting the server half: %w", err)
	}
	server.ExtraFiles[0].Close()
	r, err := client(port)
	server.Process.Kill()
	server.Wait()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
