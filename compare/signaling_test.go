package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbench/compare/internal/orchestrate"
)

// What a workload needs that is about rooms or storms follows from its name.
func TestSignalingDefaults(t *testing.T) {
	t.Parallel()
	storm := orchestrate.Storm{By: "restart", Backoffs: []string{"none", "100ms..10s"}}
	for name, tt := range map[string]struct {
		flags    runCommand
		conns    int
		channels orchestrate.Channels
		storm    orchestrate.Storm
	}{
		"echo":      {runCommand{}, 10000, orchestrate.Channels{}, orchestrate.Storm{}},
		"signal":    {runCommand{Workload: []string{"signal"}}, 5000, orchestrate.Channels{Proto: "phoenix", Topic: "room:{n}", Swarm: 10}, orchestrate.Storm{}},
		"broadcast": {runCommand{Workload: []string{"broadcast"}}, 5000, orchestrate.Channels{Proto: "phoenix", Topic: "room:{n}", Rooms: 1}, orchestrate.Storm{}},
		"storm":     {runCommand{Workload: []string{"storm"}, Quick: true}, 1000, orchestrate.Channels{Proto: "phoenix", Topic: "room:{n}", Rooms: 100}, storm},
		// beside an echo it is about nothing but connections
		"echo, storm": {runCommand{Workload: []string{"echo", "storm"}}, 5000, orchestrate.Channels{}, storm},
		"storm, flags": {
			runCommand{Workload: []string{"storm"}, Storm: "reset", Backoff: []string{"1s..2s"}, Conns: 40, Topic: "room:lobby"},
			40, orchestrate.Channels{Proto: "phoenix", Topic: "room:lobby"}, orchestrate.Storm{By: "reset", Backoffs: []string{"1s..2s"}},
		},
		"storm, no protocol": {runCommand{Workload: []string{"storm"}, Proto: "none"}, 5000, orchestrate.Channels{}, storm},
		// nobody else may be in the room of who pushes
		"echo, phoenix":         {runCommand{Proto: "phoenix", Conns: 300}, 300, orchestrate.Channels{Proto: "phoenix", Topic: "room:{n}", Rooms: 300}, orchestrate.Storm{}},
		"signal, echo, phoenix": {runCommand{Proto: "phoenix", Workload: []string{"signal", "echo"}, Swarm: 4}, 5000, orchestrate.Channels{Proto: "phoenix", Topic: "room:{n}", Swarm: 4}, orchestrate.Storm{}},
	} {
		c := tt.flags
		c.Out, c.Bin = "out", "bin"
		plan, err := c.plan(&session{ctx: t.Context()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if plan.Load.Conns != tt.conns {
			t.Errorf("%s: %d connections, want %d", name, plan.Load.Conns, tt.conns)
		}
		if diff := cmp.Diff(tt.channels, plan.Load.Channels); diff != "" {
			t.Errorf("%s: channels (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tt.storm, plan.Load.Storm); diff != "" {
			t.Errorf("%s: storm (-want +got):\n%s", name, diff)
		}
	}
}

// A broadcast is measured in both loops, unless something asks for one.
func TestBroadcastLoops(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flags runCommand
		want  []string
	}{
		{runCommand{Workload: []string{"hold", "broadcast"}}, []string{"hold", "broadcast-closed", "broadcast"}},
		{runCommand{Workload: []string{"broadcast"}, Rate: "2/s", InFlight: 2}, []string{"broadcast-closed", "broadcast"}},
		{runCommand{Workload: []string{"broadcast"}, Rate: "2/s"}, []string{"broadcast"}},
		{runCommand{Workload: []string{"broadcast"}, InFlight: 2}, []string{"broadcast-closed"}},
		{runCommand{Workload: []string{"broadcast-closed"}}, []string{"broadcast-closed"}},
		{runCommand{Workload: []string{"broadcast", "broadcast-closed"}}, []string{"broadcast", "broadcast-closed"}},
	} {
		c := tt.flags
		c.Out, c.Bin = "out", "bin"
		plan, err := c.plan(&session{ctx: t.Context()})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, plan.Load.Workloads); diff != "" {
			t.Errorf("%v with %q and %d (-want +got):\n%s", tt.flags.Workload, tt.flags.Rate, tt.flags.InFlight, diff)
		}
		if !plan.Load.Yardstick {
			t.Error("no bare loop is measured")
		}
	}
}
