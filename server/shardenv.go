package main

import (
	"fmt"
	"slices"
	"strings"
)

// shardEnv returns the environment of each of n processes that share procs
// processors, made from the supervisor's. What a process needs even without
// connections is needed n times, so each gets its share of the processors, at
// least one, instead of caches and threads for all of them (with one for two,
// 0.3 MB less in each), and samples no allocations for a profile. What env says
// of either stays.
func shardEnv(env []string, procs, n int) []string {
	const share, debug = "GOMAXPROCS=", "GODEBUG="
	env = slices.Clone(env)
	has := func(name string) int {
		return slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, name) })
	}
	if has(share) < 0 {
		env = append(env, fmt.Sprintf("%s%d", share, (procs+n-1)/n))
	}
	const unsampled = "memprofilerate=0" // runtime.MemProfileRate; the last mention of a name counts
	if i := has(debug); i >= 0 {
		env[i] = debug + unsampled + "," + strings.TrimPrefix(env[i], debug)
	} else {
		env = append(env, debug+unsampled)
	}
	return env
}
