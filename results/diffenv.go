package results

import (
	"fmt"
	"maps"
	"slices"
)

// DiffEnv returns a sentence for each setting or machine fact that differs
// between two environments, so that figures measured in both are compared with
// care; none if they agree. The load average is left out: it is never the same.
func DiffEnv(a, b Env) []string {
	var list []string
	differ := func(what string, a, b any) {
		if a != b {
			list = append(list, fmt.Sprintf("%s differs: %s and %s", what, quoted(a), quoted(b)))
		}
	}
	differ("kernel", a.Kernel, b.Kernel)
	differ("architecture", a.Arch, b.Arch)
	differ("CPU", a.CPU, b.CPU)
	differ("number of cores", a.Cores, b.Cores)
	differ("memory in bytes", a.Memory, b.Memory)
	differ("Go version", a.Go, b.Go)
	differ("descriptor limit", a.NoFile, b.NoFile)
	differ("CPU frequency governor", a.Governor, b.Governor)
	differ("commit", a.Commit, b.Commit)
	differ("working tree with uncommitted changes", a.Dirty, b.Dirty)
	for _, k := range keys(a.Sysctl, b.Sysctl) {
		differ("sysctl "+k, a.Sysctl[k], b.Sysctl[k])
	}
	for _, k := range keys(a.Modules, b.Modules) {
		differ("module "+k, a.Modules[k], b.Modules[k])
	}
	return list
}

func quoted(v any) string {
	if s, ok := v.(string); ok {
		if s == "" {
			return "none"
		}
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

// keys returns the keys of both maps, sorted.
func keys(a, b map[string]string) []string {
	all := slices.Collect(maps.Keys(a))
	all = slices.AppendSeq(all, maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}
