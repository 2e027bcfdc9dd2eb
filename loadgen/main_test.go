package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"signalbench/loadgen/internal/pace"
)

func TestMain(m *testing.M) {
	testscript.Main(goleakM{m}, map[string]func(){
		"loadgen": main,
		"echod":   echod,
	})
}

// goleakM looks for goroutines that tests left behind.
type goleakM struct{ m *testing.M }

func (g goleakM) Run() int {
	code := g.m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

// The scripts start programs of their own: "echod LOG ..." is a WebSocket server
// that is not ours, see echod_test.go.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":      exitCode,
			"interrupt": interrupt,
			"measured":  measured,
			"waitfor":   waitFor,
		},
		RequireExplicitExec: true,
	})
}

func TestExitCodes(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("bad"), 1},
		{fmt.Errorf("%w: because", errInvalid), 2},
		{fmt.Errorf("%w: kept", errInterrupted), 130},
		{fmt.Errorf("dialling: %w", context.Canceled), 130},
	} {
		var out strings.Builder
		if got := report(tc.err, &out); got != tc.want || (tc.err == nil) != (out.Len() == 0) {
			t.Errorf("%v: exit code %d, want %d; wrote %q", tc.err, got, tc.want, out.String())
		}
	}
}

func TestBytes(t *testing.T) {
	for in, want := range map[string]bytes{"128": 128, "128B": 128, "4KiB": 4096, "1MiB": 1 << 20, "2kB": 2000, "0": 0} {
		var b bytes
		if err := b.UnmarshalText([]byte(in)); err != nil || b != want {
			t.Errorf("%q is %d, %v; want %d", in, b, err, want)
		}
	}
	for _, in := range []string{"", "-1", "1GB", "x", "1.5KiB", "B"} {
		var b bytes
		if err := b.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q was taken for %d", in, b)
		}
	}
}

func TestCloseRate(t *testing.T) {
	for in, want := range map[string]closeRate{"auto": 0, "20000/s": 20_000, "5k": 5000} {
		r := closeRate(1)
		if err := r.UnmarshalText([]byte(in)); err != nil || r != want {
			t.Errorf("%q is %v, %v; want %v", in, r, err, want)
		}
	}
	for _, in := range []string{"", "max", "0", "-1/s", "soon"} {
		var r closeRate
		if err := r.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q was taken for %v", in, r)
		}
	}
}

func TestPending(t *testing.T) {
	asked := func(n int) *int { return &n }
	for _, tc := range []struct {
		asked *int
		ramp  pace.Rate
		want  int
	}{
		{nil, 5000, 512}, {nil, pace.Max, 1024}, {asked(7), pace.Max, 7}, {asked(7), 5000, 7},
		{asked(0), 5000, 0}, // which the plan's check refuses
	} {
		if got := pendingOf(tc.asked, tc.ramp); got != tc.want {
			t.Errorf("a ramp of %v has %d pending, want %d", tc.ramp, got, tc.want)
		}
	}
}
