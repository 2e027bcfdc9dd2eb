package sections

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
)

// Environment gives the facts that someone needs to measure this again.
func Environment(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "environment", Title: "Environment",
		Columns: []table.Column{{Head: "Fact", Text: true}, {Head: "Value", Text: true}},
	}
	e := s.Env
	commit := e.Commit
	if e.Dirty {
		commit += " with uncommitted changes"
	}
	t.Add("started", s.Started.UTC().Format(time.RFC3339))
	t.Add("took", s.Ended.Sub(s.Started).Round(time.Second).String())
	t.Add("command", strings.Join(s.Command, " "))
	t.Add("commit", commit)
	t.Add("kernel", e.Kernel+" "+e.Arch)
	t.Add("CPU", fmt.Sprintf("%s, %d cores", e.CPU, e.Cores))
	t.Add("memory", format.Bytes(float64(e.Memory)))
	t.Add("Go", e.Go)
	t.Add("descriptor limit", format.Whole(float64(e.NoFile)))
	t.Add("CPU governor", e.Governor)
	t.Add("load average at the start", fmt.Sprintf("%.2f", e.Load1))
	for _, k := range slices.Sorted(maps.Keys(e.Sysctl)) {
		t.Add(k, e.Sysctl[k])
	}
	for _, k := range slices.Sorted(maps.Keys(e.Modules)) {
		t.Add(k, e.Modules[k])
	}
	for _, a := range s.Arms {
		if len(a.Server) > 0 {
			t.Add("server of "+a.Name, strings.Join(a.Server, " "))
		}
	}
	if first := s.First(); first != nil {
		t.Add("load generator", strings.Join(first.Spec.Command, " "))
		if c := configLine(first.Target.Config); c != "" {
			t.Add("server settings", c)
		}
	}
	t.Rows = slices.DeleteFunc(t.Rows, func(r table.Row) bool { return r.Cells[1] == "" })
	return t
}

func configLine(config map[string]any) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(config)) {
		if !digest.Identity(k) {
			parts = append(parts, fmt.Sprintf("%s=%v", k, config[k]))
		}
	}
	return strings.Join(parts, " ")
}
