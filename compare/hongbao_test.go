package main

import (
	"strings"
	"testing"
)

func TestHongbaoPlan(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		flags runCommand
		rate  string
		err   string // in it; empty: none
	}{
		"plain":        {runCommand{Workload: []string{"hongbao"}}, "3000/s", ""},
		"quick":        {runCommand{Workload: []string{"hongbao"}, Quick: true}, "1000/s", ""},
		"rate":         {runCommand{Workload: []string{"hongbao"}, Rate: "30000/s"}, "30000/s", ""},
		"with a hold":  {runCommand{Workload: []string{"hold", "hongbao"}}, "3000/s", ""},
		"with a storm": {runCommand{Workload: []string{"hongbao", "storm"}}, "3000/s", ""},
		"own server":   {runCommand{Workload: []string{"hongbao"}, URL: "ws://127.0.0.1:1/hongbao", SkipConformance: true}, "3000/s", ""},

		"echo":        {runCommand{Workload: []string{"hongbao", "echo"}}, "", "workloads hongbao and echo in one run"},
		"signal":      {runCommand{Workload: []string{"hongbao", "signal"}, Proto: "phoenix"}, "", "workloads hongbao and signal in one run"},
		"protocol":    {runCommand{Workload: []string{"hongbao"}, Proto: "phoenix"}, "", "leave --proto phoenix out"},
		"conformance": {runCommand{Workload: []string{"hongbao"}, URL: "ws://127.0.0.1:1/hongbao"}, "", "add --skip-conformance"},
	} {
		c := tt.flags
		c.Out, c.Bin = "out", "bin"
		plan, err := c.plan(&session{ctx: t.Context()})
		switch {
		case tt.err != "":
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v, want %q", name, err, tt.err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case plan.Load.Rate != tt.rate || plan.Load.Channels.Proto != "":
			t.Errorf("%s: %+v", name, plan.Load)
		}
	}
}
