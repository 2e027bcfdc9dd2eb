package trial

import (
	"context"
	"strings"
	"testing"

	"signalbench/loadgen/internal/target"
)

// A run that is asked to measures bare connect and accept itself, and no other.
func TestYardstick(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{true, false} {
		p := serve(t, false, nil).plan(t, Hold)
		p.Yardstick = asked
		run, err := run(context.Background(), p, new(watch), often)
		if err != nil {
			t.Fatal(err)
		}
		if y := run.Yardstick; asked != (y != nil) || y != nil && y.Connects <= 0 {
			t.Errorf("asked %v: got %+v", asked, y)
		}
		if bad := fatal(run); len(bad) > 0 {
			t.Errorf("invalid: %q", bad)
		}
	}
}

// A server elsewhere is not held against the loopback of this machine.
func TestYardstickRefused(t *testing.T) {
	p := serve(t, false, nil).plan(t, Hold)
	p.Yardstick = true
	var err error
	if p.Target, err = target.Resolve(context.Background(), []string{"ws://192.0.2.1:9/"}, ""); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err == nil || !strings.Contains(err.Error(), "--yardstick") {
		t.Errorf("got %v", err)
	}
}
