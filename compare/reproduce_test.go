package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/orchestrate"
	"signalbench/compare/internal/scenario"
)

// Every published figure of every scenario stands beside something that is known.
func TestScenariosNameKnownQuantities(t *testing.T) {
	t.Parallel()
	list, err := scenario.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, sc := range list {
		for _, f := range sc.Figures {
			if f.Quantity == "" {
				continue
			}
			compared++
			if _, ok := digest.QuantityNamed(f.Quantity); !ok {
				t.Errorf("%s: figure %q: no quantity has the name %q", sc.Name, f.Name, f.Quantity)
			}
		}
	}
	if compared == 0 {
		t.Error("no figure stands beside a quantity")
	}
}

// What one connection does stays as it was published, whatever their number.
func TestScenarioLoad(t *testing.T) {
	t.Parallel()
	sc := &scenario.Scenario{Connections: 1000, Load: scenario.Load{
		Workloads: []string{"echo-closed", "push"}, Path: "/channel/{i}", Payload: 512, Each: 10 * time.Second, InFlight: 30, Window: 7 * time.Second,
		Flags: []scenario.Flag{{Name: "silence", Value: "360s"}, {Name: "channels", Value: "{conns}"}, {Name: "binary"}},
	}}
	base := profileFor(false, false).load
	want := base
	want.Workloads, want.Path, want.Payload, want.Ramp, want.Conns = sc.Load.Workloads, "/channel/{i}", "512B", "max", 100
	want.Rate, want.InFlight, want.Window = "10/s", 3, 7*time.Second
	want.Flags = []string{"--silence=360s", "--channels=100", "--binary"}
	if diff := cmp.Diff(want, scenarioLoad(sc, 100, 1, false)); diff != "" {
		t.Errorf("100 of 1,000 (-want +got):\n%s", diff)
	}
	if got := scenarioLoad(sc, 10, 1, false).InFlight; got != 1 {
		t.Errorf("%d messages are outstanding, want at least one", got)
	}
	// More connections than one process holds: the profile of many, and no heartbeat
	// that nobody published.
	if l := scenarioLoad(sc, 500, 2, false); l.Heartbeat != 0 || l.Probe != 0 || l.Pending != 1024 || !l.Yardstick || l.Window != 7*time.Second {
		t.Errorf("in two processes: %+v", l)
	}

	sc.Load.MaxWindow = 9 * time.Second
	if l := scenarioLoad(sc, 500, 2, true); l.Window != 9*time.Second {
		t.Errorf("the window of the most connections is %v", l.Window)
	}

	rooms := &scenario.Scenario{Connections: 1000, Load: scenario.Load{Workloads: []string{"broadcast"}, Protocol: "phoenix", Topic: "rooms:lobby", Version: "1.0.0", Rate: 0.1, Plateaus: 4}}
	if l := scenarioLoad(rooms, mostBare+1, 2, false); l.Yardstick {
		t.Error("a bare fan-out of as many connections again")
	}
	l := scenarioLoad(rooms, 200, 1, false)
	if diff := cmp.Diff(orchestrate.Channels{Proto: "phoenix", Topic: "rooms:lobby", Version: "1.0.0"}, l.Channels); diff != "" || l.Rate != "0.1/s" || l.Plateaus != 4 {
		t.Errorf("rate %s, %d plateaus, channels (-want +got):\n%s", l.Rate, l.Plateaus, diff)
	}
	silent := &scenario.Scenario{Connections: 1000, Load: scenario.Load{Workloads: []string{"hold", "storm"}, Storm: "silence", Backoffs: []string{"none"}}}
	l = scenarioLoad(silent, 200, 1, false)
	if l.Channels.Proto != "" || l.Storm.By != "silence" || len(l.Storm.Backoffs) != 1 {
		t.Errorf("storm %+v over %q", l.Storm, l.Channels.Proto)
	}
}

func TestScale(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]scale{"1/20": 0.05, "0.05": 0.05, " 5 % ": 0.05, "3/4": 0.75, "1": 1, "1.5": 1.5} {
		var s scale
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q: %v, %v; want %v", text, s, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1/20", "1/-20", "1/0", "0/5", "1/2/3", "5%/2", "x", "nan", "inf", "1/x", "%"} {
		var s scale
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as the scale %v", text, s)
		}
	}
}

// All servers get what the least of them holds, wherever it stands in the list, and its
// limit is what is named.
func TestMostOf(t *testing.T) {
	t.Parallel()
	doctor := filepath.Join(t.TempDir(), "doctor") // has 100 MB for what the servers keep
	if err := os.WriteFile(doctor, []byte(`#!/bin/sh
for arg; do case $arg in --server-bytes=*) bytes=${arg#*=}; bytes=${bytes%B} ;; esac; done
fits=$((100000000 / bytes))
if [ "$3" -le $fits ]; then echo '{"ok":true}'; exit; fi
echo '{"fits":'$fits',"refusal":"no","first":{"name":"memory of '$bytes'","what":"bytes","fix":"buy '$bytes'"}}'
exit 1
`), 0o700); err != nil {
		t.Fatal(err)
	}
	server := func(name string, idle int) scenarioServer {
		return scenarioServer{Arm: orchestrate.Arm{Name: name, IdleBytes: idle}}
	}
	lean, dear, middling := server("lean", 100), server("dear", 1000), server("middling", 500)
	for _, tt := range []struct {
		servers []scenarioServer
		want    int
		says    []string
	}{
		{[]scenarioServer{lean}, 500_000, []string{"lean: 500,000 connections, as many as were published"}},
		{[]scenarioServer{middling}, 200_000, []string{"middling: 200,000 connections, memory of 500 decides", "to raise it: buy 500"}},
		{[]scenarioServer{lean, dear, middling}, 100_000, []string{"lean: 500,000", "middling: 200,000", "to raise it: buy 1000", "all servers get 100,000"}},
		{[]scenarioServer{dear, middling, lean}, 100_000, []string{"to raise it: buy 1000", "all servers get 100,000"}},
	} {
		var stderr strings.Builder
		got, err := mostOf(&session{ctx: t.Context(), stderr: &stderr}, &scenario.Scenario{Connections: 500_000}, tt.servers, doctor)
		if err != nil || got != tt.want {
			t.Errorf("%d servers: %d, %v; want %d", len(tt.servers), got, err, tt.want)
		}
		for _, text := range tt.says {
			if !strings.Contains(stderr.String(), text) {
				t.Errorf("%d servers: %q is not in\n%s", len(tt.servers), text, stderr.String())
			}
		}
		if strings.Contains(stderr.String(), "all servers") && len(tt.servers) == 1 {
			t.Errorf("one server is all:\n%s", stderr.String())
		}
	}
}

// A number is cut to three digits, never raised.
func TestRounded(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{7: 7, 999: 999, 1000: 1000, 19936: 19900, 2799705: 2790000} {
		if got := rounded(n); got != want {
			t.Errorf("%d is cut to %d, want %d", n, got, want)
		}
	}
}

// What is wrong is said before anything is built or started.
func TestReproduceRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken, empty := filepath.Join(dir, "broken.yaml"), filepath.Join(dir, "empty")
	if err := os.WriteFile(broken, []byte("name: nobody-4k\ntitle: Four thousand\nconections: 4_000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"reproduce":            "compare reproduce --list tells what there is",
		"reproduce phoenix-3m": `unknown scenario "phoenix-3m": did you mean "phoenix-2m"`,
		"reproduce phoenix-2m --scenario " + broken:        "a name is for what is in the program",
		"reproduce --scenario " + broken:                   broken + `:3:1: scenario has no field "conections"`,
		"reproduce --scenario " + dir + "/none.yaml":       "none.yaml",
		"reproduce phoenix-2m --scale 1:20":                `"1:20" is no scale like 1/20, 0.05 or 5%`,
		"reproduce phoenix-2m --scale 1/9999999":           "must be at least 1",
		"reproduce phoenix-2m --scale 1/2 --conns 100":     "can't be used together",
		"reproduce phoenix-2m --max --conns 100":           "can't be used together",
		"reproduce phoenix-2m --conns=-1":                  "must be at least 1",
		"reproduce phoenix-2m --reps 0":                    "must be at least 1",
		"report":                                           "report of what",
		"report --published " + empty:                      "holds a suite (suite.json)",
		"report --published " + empty + " --out elsewhere": "--published writes its page into the folder",
	} {
		err := run(t.Context(), strings.Fields(args), nil, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("compare %s: %v; want %q", args, err, want)
		}
	}
}
