package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShardsShareTheProcessors(t *testing.T) {
	t.Parallel()
	const off = "GODEBUG=memprofilerate=0"
	for _, c := range []struct {
		name     string
		env      []string
		procs, n int
		want     []string
	}{
		{"fewer processors than shards", []string{"A=b"}, 2, 141, []string{"A=b", "GOMAXPROCS=1", off}},
		{"as many", nil, 2, 2, []string{"GOMAXPROCS=1", off}},
		{"more, and none is left idle", nil, 8, 3, []string{"GOMAXPROCS=3", off}},
		{"asked for", []string{"GOMAXPROCS=4"}, 2, 3, []string{"GOMAXPROCS=4", off}},
		{"what is asked for comes last", []string{"GODEBUG=memprofilerate=1,gctrace=1"}, 2, 2, []string{off + ",memprofilerate=1,gctrace=1", "GOMAXPROCS=1"}},
	} {
		if diff := cmp.Diff(c.want, shardEnv(c.env, c.procs, c.n)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
