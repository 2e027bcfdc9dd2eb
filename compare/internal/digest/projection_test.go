package digest_test

import (
	"math"
	"testing"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/fixture"
)

// holding is an engine that holds so many connections, of so many bytes each in
// the server's process.
func holding(conns int, rss float64) fixture.Engine {
	return fixture.Engine{Name: "x", RSS: rss, Held: conns, Lean: true}
}

const (
	kernel = 2 * (2368 + 832 + 256 + 192 + 128) // of both ends, in the fixture
	shards = float64(8<<20) / 1000              // the fixture's processes of 1,000 connections
)

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-6*math.Abs(want) }

func TestProjection(t *testing.T) {
	t.Parallel()
	a := open(t, 2, holding(1000, 5000)).Arms[0]
	p, ok := a.Project()
	if !ok {
		t.Fatal("nothing is projected")
	}
	perConn := 5000 + kernel + shards // the fixture's client grows in its RSS alone
	if !near(p.PerConn.Mid, perConn) || !near(p.Server.Mid, 5000+kernel/2+shards) || p.Conns != 1000 {
		t.Errorf("%+v, want %v per connection, %v of it the server's", p, perConn, 5000+kernel/2+shards)
	}
	room := float64(7<<30 + 8<<20) // what is available, and the processes that are in the cost
	if !near(p.Fits.Mid, room/perConn) || p.Fits.Low > p.Fits.Mid || p.Fits.High < p.Fits.Mid {
		t.Errorf("%+v fit, want %v", p.Fits, room/perConn)
	}
	if got := p.Memory(digest.TenMillion).Mid; !near(got, 1e7*perConn) {
		t.Errorf("ten million need %v B, want %v", got, 1e7*perConn)
	}
}

// One process has no sibling that more connections would need.
func TestOneProcessIsNoCostOfAConnection(t *testing.T) {
	t.Parallel()
	s := open(t, 1, fixture.Engine{Name: "x", RSS: 5000, Echo: time.Millisecond, Closed: 1000, Lean: true})
	if p, ok := s.Arms[0].Project(); !ok || !near(p.PerConn.Mid, 5000+kernel) {
		t.Errorf("%+v, %v, want %d per connection", p, ok, 5000+kernel)
	}
}

// A projection that does not come true is seen.
func TestCheckAgainstLarger(t *testing.T) {
	t.Parallel()
	small := open(t, 1, holding(1000, 5000)).Arms[0]
	for _, rss := range []float64{5000, 9000} {
		c, ok := small.CheckAgainst(open(t, 1, holding(4000, rss)).Arms[0])
		want := rss + kernel + float64(8<<20)/4000 // the fixture's processes weigh less over 4,000 connections
		if !ok || c.From != 1000 || c.At != 4000 || !near(c.Measured, want) || c.Kept() {
			t.Errorf("%v B: %+v, %v, kept %v; want %v measured", rss, c, ok, c.Kept(), want)
		}
		if got := c.Off(); !near(got, want/(5000+kernel+shards)-1) {
			t.Errorf("%v B: off by %v", rss, got)
		}
	}
	if c, ok := small.CheckAgainst(small); ok {
		t.Errorf("checked against no more connections: %+v", c)
	}
}

// What was dearer at the last plateaus than at the first ones is told by the run
// itself.
func TestCheckWithin(t *testing.T) {
	t.Parallel()
	r := open(t, 1, holding(1000, 5000)).Arms[0].Runs[0]
	c, ok := r.CheckWithin()
	if !ok || c.From != 600 || c.At != 1000 || math.Abs(c.Off()) > 1e-6 {
		t.Fatalf("%+v, %v; want a projection from 600 to 1,000 that comes true", c, ok)
	}
	last := &r.Ledger.Readings[len(r.Ledger.Readings)-1]
	last.Server.PSS += 400 * 1000
	if c, ok = r.CheckWithin(); !ok || c.Kept() || !near(c.Measured, 5000+kernel+1000) {
		t.Errorf("%+v, %v; want 1,000 B more than projected", c, ok)
	}
	r.Ledger.Readings = r.Ledger.Readings[3:]
	if c, ok = r.CheckWithin(); ok {
		t.Errorf("checked from too few plateaus: %+v", c)
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	r := open(t, 1, holding(1000, 5000)).Arms[0].Runs[0]
	sum := 0.0
	for _, o := range r.Objects() {
		if o.PerConn != 2 {
			t.Errorf("%v of %s per connection, want one at each end", o.PerConn, o.Name)
		}
		sum += o.PerConn * o.Size
	}
	if sum != kernel {
		t.Errorf("all objects take %v B, want %d", sum, kernel)
	}
}

// A series that cannot be read takes nothing but the figures over time.
func TestSeriesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := openSpoilt(t)
	if s.Arms[0].Runs[0].Series != nil {
		t.Error("a spoilt series is read")
	}
	said := 0
	for _, f := range s.Findings() {
		if f.Check == "series" {
			said++
		}
	}
	if said != 1 {
		t.Errorf("said %d times that the series cannot be read: %v", said, s.Findings())
	}
}
