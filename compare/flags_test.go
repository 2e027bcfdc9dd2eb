package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The collector's settings go to every server alike, as the server takes them.
func TestCollectorFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ percent, size, gogc, limit string }{
		{"50", "512MiB", "50", "512MiB"},
		{" 200% ", "1000000", "200", "1000000"},
		{"off", " 2GB ", "-1", "2GB"},
	} {
		var g gcPercent
		var m memorySize
		if err := g.UnmarshalText([]byte(c.percent)); err != nil || string(g) != c.gogc {
			t.Errorf("--gogc %q is %q, %v", c.percent, g, err)
		}
		if err := m.UnmarshalText([]byte(c.size)); err != nil || string(m) != c.limit {
			t.Errorf("--memory-limit %q is %q, %v", c.size, m, err)
		}
		plan, err := (&runCommand{Out: "out", Bin: "bin", GOGC: g, MemoryLimit: m}).plan(&session{ctx: t.Context()})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"--gogc=" + c.gogc, "--memory-limit=" + c.limit}, plan.ServerFlags); diff != "" {
			t.Errorf("server flags (-want +got):\n%s", diff)
		}
	}
}
