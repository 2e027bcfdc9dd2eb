package main

import (
	"context"
	"fmt"
	"math"

	"signalbench/compare/internal/format"
	"signalbench/compare/internal/orchestrate"
	"signalbench/compare/internal/scenario"
)

// mostOf is the fewer of the published connections and those that fit for each of the
// servers, and says what decides it.
func mostOf(s *session, sc *scenario.Scenario, servers []scenarioServer, loadgen string) (int, error) {
	least := sc.Connections
	var binding *limit
	for _, server := range servers {
		n, first, err := mostFor(s.ctx, loadgen, sc, server.Arm)
		if err != nil {
			return 0, err
		}
		by := "as many as were published"
		if first != nil {
			by = fmt.Sprintf("%s decides (%s)", first.Name, first.What)
		}
		fmt.Fprintf(s.stderr, "compare: --max: %s: %s connections, %s\n", server.Name, format.Whole(float64(n)), by)
		if n < least {
			least, binding = n, first
		}
	}
	if binding != nil {
		switch {
		case len(binding.Settings) > 0:
			fmt.Fprintf(s.stderr, "compare: --max: scripts/tune.sh --conns %d raises %s\n", sc.Connections, binding.Name)
		case binding.Fix != "" && !binding.Physical:
			fmt.Fprintf(s.stderr, "compare: --max: to raise it: %s\n", binding.Fix)
		}
		if len(servers) > 1 {
			fmt.Fprintf(s.stderr, "compare: --max: all servers get %s connections, what the least of them holds; name fewer with --arms for more\n", format.Whole(float64(least)))
		}
	}
	return least, nil
}

// mostFor is how many connections fit for one server, at most the published ones, and
// the limit that decides it; nil if none does. With fewer connections there are fewer
// processes, which leaves room for others, so the doctor is asked until it agrees.
func mostFor(ctx context.Context, loadgen string, sc *scenario.Scenario, arm orchestrate.Arm) (int, *limit, error) {
	n := sc.Connections
	var first *limit
	for {
		shards, err := orchestrate.Shards(n)
		if err != nil {
			return 0, nil, err
		}
		if oneProcess(arm, scenarioLoad(sc, n, shards, true)) {
			shards = 1
		}
		a, err := ask(ctx, loadgen, doctorArgs(n, shards, []orchestrate.Arm{arm}, true))
		switch {
		case err != nil:
			return 0, nil, err
		case a.OK:
			return n, first, nil
		}
		first = a.First
		if n = rounded(min(int(a.Fits), n-1)); n < 1 {
			return 0, nil, fmt.Errorf("not one connection to %s fits: %s", arm.Name, a.Refusal)
		}
	}
}

// rounded cuts a number to three digits: what is free of memory changes while it is
// read.
func rounded(n int) int {
	if n < 1000 {
		return n
	}
	unit := int(math.Pow10(int(math.Log10(float64(n))) - 2))
	return n / unit * unit
}
