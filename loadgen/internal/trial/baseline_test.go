package trial

import (
	"context"
	"errors"
	"testing"
	"time"

	"signalbench/results"
)

// The kernel needs a moment to give back what connections took; what it keeps
// for ever is not waited for.
func TestSettleBack(t *testing.T) {
	t.Parallel()
	before := results.Holdings{Sockets: 10, Files: 100}
	looks, waits := 0, 0
	read := func() results.Holdings {
		looks++
		return results.Holdings{Sockets: 10 + max(0, 4000-1000*int64(looks)), Files: 100, TimeWait: 5000}
	}
	wait := func(d time.Duration) error {
		waits++
		return nil
	}
	b, err := settleBack(before, 1000, time.Minute, read, wait)
	if err != nil || looks != 4 || waits != 3 || b.Waited != 3*baselineLook || b.After.Sockets != 10 || b.After.TimeWait != 5000 || b.Before != before {
		t.Errorf("%d looks, %d waits: %+v, %v", looks, waits, b, err)
	}
	b, err = settleBack(before, 1000, time.Second, func() results.Holdings { return results.Holdings{Files: 9100} }, wait)
	if err != nil || b.Waited != time.Second || b.After.Files != 9100 {
		t.Errorf("%+v, %v", b, err)
	}
	looks = 0
	broken := errors.New("a lane has ended")
	if b, err = settleBack(before, 1000, time.Minute, read, func(time.Duration) error { return broken }); !errors.Is(err, broken) || b.After.Sockets != 3010 {
		t.Errorf("%+v, %v", b, err)
	}
}

// A run says what the machine was before and is after it.
func TestRunComesBackToTheBaseline(t *testing.T) {
	t.Parallel()
	s := serve(t, false, nil)
	waiting := often
	waiting.patience = time.Second
	run, err := run(context.Background(), s.plan(t, Hold), new(watch), waiting)
	if err != nil {
		t.Fatal(err)
	}
	b := named(t, run, "teardown").Closing.Baseline
	if b == nil || b.Before.Sockets < 1 || b.After.Sockets < 1 || b.Before.Files < 1 || b.After.Files < 1 || b.Waited > waiting.patience {
		t.Errorf("%+v", b)
	}
}
