// Package fake plays the server and the load generator in tests of what starts
// them. The engine's name, or the label of a run, says how they misbehave; any
// other name is sound. They keep their state in the folder of argv[0].
package fake

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"signalbench/results"
)

// Server plays `server` with the given arguments and returns its exit code.
//
//	crashing  ends before it is ready      mute      is never ready
//	late      finds its port taken once    impostor  tells another process
//	deaf      ignores SIGINT               untidy    does not drain in time
//	broken    fails the kit                lesson    fails it as it is known to
//	garbled   breaks the kit                  wrapped   is not the process that was started
//	untried   has the kit pass nothing
//
// The kit finds in a server whose engine it is not told what the file "kit" holds, or
// "kit-dies", and then it does. Each server that is ready adds its arguments to the file
// "started".
func Server(args []string) int {
	engine := flag(args, "--engine")
	switch args[0] {
	case "conform":
		return conform(engine)
	case "bench":
		if args[1] != "upgrade" {
			return fail("server: there is no benchmark " + args[1])
		}
		fmt.Println(`[{"name":"upgrade.nethttp","n":1000,"ns_per_op":2500,"bytes_per_op":5000,"allocs_per_op":11},` +
			`{"name":"upgrade.zerocopy","n":9000,"ns_per_op":400,"bytes_per_op":0,"allocs_per_op":0}]`)
		return 0
	case "engines":
		fmt.Println(`[{"name":"gorilla","summary":"one"},{"name":"netpoll","summary":"two"},` +
			`{"name":"lesson","summary":"three","lesson":[{"case":"glued-frame","why":"reads only what readiness announces"}]}]`)
		return 0
	}
	switch engine {
	case "crashing":
		return fail("server: engine crashing: out of luck")
	case "late":
		if once("late") {
			return fail("server: listen tcp: bind: address already in use")
		}
	case "mute":
		select {}
	}
	admin, err := net.Listen("tcp", flag(args, "--admin"))
	if err != nil {
		return fail(err.Error())
	}
	// Two servers of ours at once would share a machine that each claims. The
	// lock ends with the process, however it ends.
	alive, err := os.OpenFile(filepath.Join(filepath.Dir(os.Args[0]), "alive"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fail(err.Error())
	}
	if err := syscall.Flock(int(alive.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fail("another server is alive: " + err.Error())
	}

	pid, told := os.Getpid(), os.Getpid()
	if engine == "impostor" {
		pid++
	}
	if engine == "wrapped" {
		told++
	}
	end := make(chan os.Signal, 1)
	if engine == "deaf" {
		signal.Ignore(syscall.SIGINT)
	} else {
		signal.Notify(end, syscall.SIGINT)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"pid": pid, "engine": engine})
	})
	mux.HandleFunc("/die", func(http.ResponseWriter, *http.Request) {
		os.Exit(fail("server: fatal error: concurrent map writes"))
	})
	go http.Serve(admin, mux)
	if err := started(args); err != nil {
		return fail(err.Error())
	}
	line, _ := json.Marshal(map[string]any{
		"pid": told, "engine": engine, "listen": []string{flag(args, "--listen")}, "admin": flag(args, "--admin"),
	})
	fmt.Println(string(line))
	<-end
	if engine == "untidy" {
		return fail("server: drain deadline passed: connections were cut")
	}
	return 0
}

// started adds a line to the file of that name.
func started(args []string) error {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(os.Args[0]), "started"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, strings.Join(args, " "))
	return errors.Join(err, f.Close())
}

func conform(engine string) int {
	c := results.Conformance{Passed: 40}
	code := 0
	switch engine {
	case "":
		for name, code := range map[string]int{"kit": 1, "kit-dies": 3} {
			if found, err := os.ReadFile(filepath.Join(filepath.Dir(os.Args[0]), name)); err == nil {
				fmt.Println(string(found))
				fail("server: a case failed")
				return code
			}
		}
	case "broken":
		c.Failed = []results.CaseResult{{Name: "utf8-split", Error: "no close 1007"}}
		code = 1
	case "lesson":
		c.Failed = []results.CaseResult{{Name: "glued-frame", Error: "timeout", Known: "reads only what readiness announces"}}
	case "untried":
		c.Passed = 0
	case "garbled":
		fmt.Println("panic: not JSON")
		return fail("kit: boom")
	}
	_ = json.NewEncoder(os.Stdout).Encode(c)
	return code
}

// flag returns the value behind a flag.
func flag(args []string, name string) string {
	if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// once reports whether a file of this name was not there yet, and makes it.
func once(name string) bool {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(os.Args[0]), name), os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		f.Close()
	}
	return err == nil
}

func fail(text string) int {
	fmt.Fprintln(os.Stderr, text)
	return 1
}
