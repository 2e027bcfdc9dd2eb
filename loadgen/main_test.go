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
