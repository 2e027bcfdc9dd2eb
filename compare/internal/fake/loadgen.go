package fake

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
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
		return doctor(flag(args, "--conns"), args)
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

// doctor finds room for 19936 connections. Where they are to be in one process, that is
// what decides, and else a kernel setting.
func doctor(conns string, args []string) int {
	const room = 19936
	n, _ := strconv.Atoi(conns)
	ok := n <= room
	if slices.Contains(args, "--json") {
		first := "null"
		if !ok {
			first = `{"name":"fs.file-max","what":"open files of all processes","fix":"sysctl -w fs.file-max=9","settings":[{"name":"fs.file-max","value":"9"}]}`
			if flag(args, "--shards") == "1" {
				first = `{"name":"nofile","what":"open descriptors of the process","fix":"ulimit -n 99999"}`
			}
		}
		fmt.Printf(`{"ok":%v,"fits":%d,"refusal":"%s connections do not fit, %d do:\n  nofile","first":%s}`+"\n", ok, room, conns, room, first)
	} else {
		fmt.Printf("%s connections: descriptors fit %d\n", conns, room)
	}
	if !ok {
		return fail(fmt.Sprintf("loadgen: %s connections do not fit, %d do", conns, room))
	}
	return 0
}
