package diff_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbench/compare/internal/diff"
	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/fixture"
)

func suite(t *testing.T, repetitions int, engines ...fixture.Engine) *digest.Suite {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "suite")
	fixture.Suite(t, dir, repetitions, engines...)
	s, err := digest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var plain = fixture.Engine{Name: "x", RSS: 5000, Echo: time.Millisecond, Closed: 40000, Lean: true}

// marks lists what a comparison marks, as "+name" for better and "-name" for worse.
func marks(r *diff.Result) []string {
	var list []string
	for _, row := range r.Rows {
		switch {
		case row.Worse:
			list = append(list, "-"+row.Quantity.Name)
		case row.Better:
			list = append(list, "+"+row.Quantity.Name)
		}
	}
	return list
}

// What signaling measured takes part, in its direction.
func TestRooms(t *testing.T) {
	t.Parallel()
	before, after := plain, plain
	before.Rooms, after.Rooms = true, true
	after.Echo, after.Closed = after.Echo*2, after.Closed*0.7
	old, new := suite(t, 5, before), suite(t, 5, after)
	r, err := diff.Compare(old, new, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	got := marks(r)
	for _, want := range []string{
		"-signal.relay.p50", "-signal.join.p50", "-broadcast.deliveries", "-broadcast-closed.of-bare", "-broadcast.first-delivery.p50", "-storm.none.all-back",
		"-storm.none.recovery.p50",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s among %v", want, got)
		}
	}
}

func TestDirections(t *testing.T) {
	t.Parallel()
	old := suite(t, 5, plain)
	bad, good := plain, plain
	bad.RSS, bad.Closed, bad.Echo = bad.RSS*1.2, bad.Closed*0.7, bad.Echo*2
	good.RSS, good.Closed = good.RSS*0.8, good.Closed*1.3
	worse, better := suite(t, 5, bad), suite(t, 5, good)
	for _, tt := range []struct {
		name      string
		new       *digest.Suite
		threshold float64
		want      []string // among the marks
		not       []string // not among the marks
	}{
		{"more memory, less throughput, later responses", worse, 0.05,
			[]string{"-ledger.server.rss", "-ledger.server.heap", "-echo-closed.throughput", "-echo.response.p50"}, nil},
		{"the same under a threshold of 25 %", worse, 0.25,
			[]string{"-echo-closed.throughput", "-echo.response.p50"}, []string{"-ledger.server.rss", "-ledger.server.heap"}},
		{"less memory, more throughput", better, 0.05,
			[]string{"+ledger.server.rss", "+echo-closed.throughput"}, []string{"-echo.response.p50"}},
	} {
		r, err := diff.Compare(old, tt.new, tt.threshold)
		if err != nil {
			t.Fatal(err)
		}
		got := marks(r)
		for _, m := range tt.want {
			if !slices.Contains(got, m) {
				t.Errorf("%s: marks are %v, want %s among them", tt.name, got, m)
			}
		}
		for _, m := range tt.not {
			if slices.Contains(got, m) {
				t.Errorf("%s: marks are %v, %s must not be among them", tt.name, got, m)
			}
		}
	}
}

func TestNothingChanged(t *testing.T) {
	t.Parallel()
	s := suite(t, 5, plain)
	r, err := diff.Compare(s, s, 0)
	if err != nil {
		t.Fatal(err)
	}
	if m := marks(r); len(m) != 0 || r.Worse() != 0 || len(r.Warnings) != 0 {
		t.Errorf("a suite differs from itself: %v, warnings %v", m, r.Warnings)
	}
}

// However large a difference: three repetitions cannot show it.
func TestTooFewForAClaim(t *testing.T) {
	t.Parallel()
	e := plain
	e.RSS *= 10
	r, err := diff.Compare(suite(t, 3, plain), suite(t, 3, e), 0.05)
	if err != nil {
		t.Fatal(err)
	}
	if r.Worse() != 0 || len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0], "n = 3 is too few for a claim") {
		t.Errorf("%d worse, warnings %v", r.Worse(), r.Warnings)
	}
}

func TestArms(t *testing.T) {
	t.Parallel()
	one, other := plain, plain
	other.Name = "y"
	third := plain
	third.Name = "z"
	r, err := diff.Compare(suite(t, 1, one), suite(t, 1, other), 0.05)
	if err != nil || len(r.Rows) == 0 || !slices.Contains(r.Warnings, "different arms: x and y") {
		t.Errorf("one arm on each side: %v, %d rows, warnings %v", err, len(r.Rows), r.Warnings)
	}
	a, b := suite(t, 1, one, other), suite(t, 1, other, third)
	r, err = diff.Compare(a, b, 0.05)
	if err != nil || r.Rows[0].Arm != "y" || !slices.Contains(r.Warnings, "only "+a.Dir+" has x") || !slices.Contains(r.Warnings, "only "+b.Dir+" has z") {
		t.Errorf("a common arm: %v, warnings %v", err, r.Warnings)
	}
	if _, err = diff.Compare(suite(t, 1, one, other), suite(t, 1, third), 0.05); err == nil || !strings.Contains(err.Error(), "nothing to compare") {
		t.Errorf("no common arm: %v", err)
	}
}

func TestSettingsThatDiffer(t *testing.T) {
	t.Parallel()
	e := plain
	e.Config = map[string]any{"outbox": "1"}
	r, err := diff.Compare(suite(t, 1, plain), suite(t, 1, e), 0.05)
	if err != nil || !slices.Contains(r.Warnings, "server setting outbox: 262144 and 1") {
		t.Errorf("%v, warnings %v", err, r.Warnings)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := diff.Check(suite(t, 1, plain)); err != nil {
		t.Error(err)
	}
	bad := plain
	bad.Invalid = true
	if err := diff.Check(suite(t, 1, bad)); !errors.Is(err, diff.ErrInvalid) || !strings.Contains(err.Error(), "first reason") {
		t.Errorf("Check = %v", err)
	}
}
