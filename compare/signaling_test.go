package main

import (
	"strings"
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
		"push":               {runCommand{Workload: []string{"push"}}, 5000, orchestrate.Channels{Proto: "channel"}, orchestrate.Storm{}},
		"hold, push":         {runCommand{Workload: []string{"hold", "push"}, Quick: true}, 1000, orchestrate.Channels{Proto: "channel"}, orchestrate.Storm{}},
		"subscribers":        {runCommand{Workload: []string{"hold"}, Proto: "channel"}, 10000, orchestrate.Channels{Proto: "channel"}, orchestrate.Storm{}},
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

// What is published to a connection needs a channel, on which nothing is echoed.
func TestSubscribersRefuse(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]runCommand{
		"workloads echo and push in one run":        {Workload: []string{"push", "echo"}},
		"workloads signal and push in one run":      {Workload: []string{"signal", "push"}},
		"workload echo with --proto channel":        {Workload: []string{"echo"}, Proto: "channel"},
		"push needs subscribers of channels":        {Workload: []string{"push"}, Proto: "phoenix"},
		"--rooms says something about rooms":        {Workload: []string{"push"}, Rooms: 3},
		"--url with --proto channel: the conforman": {Workload: []string{"push"}, URL: "ws://127.0.0.1:1/{i}"},
	} {
		c.Out, c.Bin = "out", "bin"
		if _, err := c.plan(&session{ctx: t.Context()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
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
