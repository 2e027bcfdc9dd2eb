package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbench/loadgen/internal/wire"
	"signalbench/results"
	"signalbench/server/hongbao/packet"
)

func TestPurse(t *testing.T) {
	t.Parallel()
	gift := func(id, cents uint32) *packet.Packet {
		return &packet.Packet{Type: packet.Gift, ID: id, Amount: cents, Sharers: 2, Users: [3]uint32{5, 6, 0}}
	}
	tell := func(t *testing.T, p *Purse, g *packet.Packet, user uint32, want bool) {
		t.Helper()
		if p.told(g, user) != want {
			t.Errorf("user %d was told of %+v: %t, want %t", user, g, !want, want)
		}
	}
	for name, c := range map[string]struct {
		do      func(*testing.T, *Purse)
		settled bool
		want    results.HongbaoBooks
	}{
		"nothing":        {func(*testing.T, *Purse) {}, true, results.HongbaoBooks{}},
		"two envelopes":  {func(_ *testing.T, p *Purse) { p.found(1, 10); p.found(2, 20) }, true, results.HongbaoBooks{Envelopes: 2, Sent: 30, Received: 30}},
		"one twice":      {func(_ *testing.T, p *Purse) { p.found(1, 10); p.found(1, 10) }, true, results.HongbaoBooks{Envelopes: 1, Sent: 10, Received: 20, Excess: 10}},
		"same numbers":   {func(t *testing.T, p *Purse) { p.found(1, 10); tell(t, p, gift(1, 50), 5, true) }, false, results.HongbaoBooks{Envelopes: 1, Gifts: 1, Sent: 60, Received: 10, Open: 50}},
		"not for 7":      {func(t *testing.T, p *Purse) { tell(t, p, gift(1, 50), 7, false); tell(t, p, gift(1, 50), 0, false) }, true, results.HongbaoBooks{}},
		"told twice":     {func(t *testing.T, p *Purse) { tell(t, p, gift(1, 50), 6, true); tell(t, p, gift(1, 50), 6, false) }, false, results.HongbaoBooks{Gifts: 1, Sent: 50, Open: 50}},
		"told otherwise": {func(t *testing.T, p *Purse) { tell(t, p, gift(1, 50), 6, true); tell(t, p, gift(1, 51), 5, false) }, false, results.HongbaoBooks{Gifts: 1, Sent: 50, Open: 50}},
		"a gift": {func(t *testing.T, p *Purse) {
			tell(t, p, gift(1, 50), 6, true)
			p.grabbed(1, 20)
			if p.Settled() {
				t.Error("settled by the first of two shares")
			}
			tell(t, p, gift(1, 50), 5, true)
			p.grabbed(1, 30)
			tell(t, p, gift(1, 50), 5, false) // it is done with
		}, true, results.HongbaoBooks{Gifts: 1, Sent: 50, Received: 50}},
		"a gift in part": {func(t *testing.T, p *Purse) { tell(t, p, gift(1, 50), 6, true); p.grabbed(1, 20) }, false, results.HongbaoBooks{Gifts: 1, Sent: 50, Received: 20, Open: 30}},
		"a gift that loses": {func(t *testing.T, p *Purse) {
			tell(t, p, gift(1, 50), 6, true)
			tell(t, p, gift(1, 50), 5, true)
			p.grabbed(1, 20)
			p.grabbed(1, 0)
		}, true, results.HongbaoBooks{Gifts: 1, Sent: 50, Received: 20, Lost: 30}},
		"a gift that gives too much": {func(t *testing.T, p *Purse) {
			tell(t, p, gift(1, 50), 6, true)
			tell(t, p, gift(1, 50), 5, true)
			p.grabbed(1, 50)
			p.grabbed(1, 50)
		}, true, results.HongbaoBooks{Gifts: 1, Sent: 50, Received: 100, Excess: 50}},
		"one share that is too much": {func(t *testing.T, p *Purse) { tell(t, p, gift(1, 50), 6, true); p.grabbed(1, 60) }, false, results.HongbaoBooks{Gifts: 1, Sent: 50, Received: 60, Excess: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := NewPurse()
			c.do(t, p)
			got := p.Books()
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("books (-want +got):\n%s", d)
			}
			if got.Received+got.Open+got.Lost != got.Sent+got.Excess {
				t.Errorf("books do not add up: %+v", got)
			}
			if p.Settled() != c.settled {
				t.Errorf("settled: %t, want %t", p.Settled(), c.settled)
			}
		})
	}
}

func TestAwaited(t *testing.T) {
	t.Parallel()
	a := newAwaited(3)
	for i := range waitLimit {
		if !a.add(1, wait{sent: 1, id: uint32(i), grab: i%2 == 1}) {
			t.Fatalf("no room for number %d", i)
		}
	}
	if a.add(1, wait{}) || !a.add(2, wait{id: 99, grab: true}) || a.n != waitLimit+1 {
		t.Errorf("%d are awaited", a.n)
	}
	for _, c := range []struct {
		take func(wire.Conn) (wait, bool)
		conn wire.Conn
		id   uint32
		ok   bool
	}{
		{a.shake, 0, 0, false},
		{a.shake, 1, 0, true},
		{a.shake, 1, 2, true},
		{func(c wire.Conn) (wait, bool) { return a.grab(c, 5) }, 1, 5, true},
		{func(c wire.Conn) (wait, bool) { return a.grab(c, 5) }, 1, 0, false},
		{func(c wire.Conn) (wait, bool) { return a.grab(c, 4) }, 1, 0, false}, // a shake
		{a.any, 1, 1, true},
		{a.shake, 2, 0, false},
		{a.any, 2, 99, true},
	} {
		if w, ok := c.take(c.conn); ok != c.ok || w.id != c.id {
			t.Errorf("took %+v, %t, want number %d, %t", w, ok, c.id, c.ok)
		}
	}
	slots := len(a.slots)
	for range 6 {
		a.add(0, wait{id: 7})
	}
	a.add(0, wait{id: 8})
	a.last(0)
	n := 0
	for w, ok := a.any(0); ok; w, ok = a.any(0) {
		if n++; w.id != 7 {
			t.Errorf("took %+v after the last was removed", w)
		}
	}
	for _, ok := a.any(1); ok; _, ok = a.any(1) {
		n++
	}
	if n != 6+waitLimit-4 || a.n != 0 || len(a.slots) > slots+2 {
		t.Errorf("took %d, %d are awaited, with room for %d", n, a.n, len(a.slots))
	}
}
