package fake

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"signalbench/compare/internal/fixture"
)

// Loadgen plays `loadgen` with the given arguments and returns its exit code.
//
//	unlucky   cannot begin                 doubtful  finds its run INVALID
//	liar      writes nothing               mortal    is left by its server
//	patient   measures until SIGINT        gorilla, netpoll  have figures
func Loadgen(args []string) int {
	if args[0] == "doctor" {
		return doctor(flag(args, "--conns"), slices.Contains(args, "--json"))
	}
	label, dir := flag(args, "--label"), flag(args, "--out")
	e := fixture.Engine{Name: label, RSS: 5000, Echo: 300 * time.Microsecond, Closed: 40000, Lean: true, Bare: true, Command: args}
	write := func(code int) int {
		fixture.Run(dying{}, dir, e, 1)
		return code
	}
	switch label {
	case "gorilla", "netpoll": // those with figures
		e.Bare = false
	case "unlucky":
		return fail("loadgen: descriptor limit 20000 is too low")
	case "doubtful":
		e.Invalid = true
		return write(2)
	case "liar":
		return 0
	case "mortal":
		if res, err := http.Get(flag(args, "--admin") + "/die"); err == nil {
			res.Body.Close()
		}
		e.Invalid = true
		return write(2)
	case "patient":
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGINT)
		once("measuring")
		fmt.Fprintln(os.Stderr, "client elapsed=1s pending=0 connected=10 failed=0")
		<-c
		e.Partial = true
		return write(130)
	}
	return write(0)
}

// dying ends the program.
type dying struct{}

func (dying) Helper()           {}
func (dying) Fatal(args ...any) { os.Exit(fail(fmt.Sprint(args...))) }

// doctor finds room for 10000 connections and for counts of fewer digits.
func doctor(conns string, asJSON bool) int {
	ok := len(conns) < 5 || conns == "10000"
	if asJSON {
		fmt.Printf(`{"ok":%v,"fits":19936,"refusal":"%s connections do not fit, 19936 do:\n  nofile"}`+"\n", ok, conns)
	} else {
		fmt.Printf("%s connections: descriptors fit 19936\n", conns)
	}
	if !ok {
		return fail("loadgen: " + conns + " connections do not fit, 19936 do")
	}
	return 0
}
