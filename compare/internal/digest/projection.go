package digest

import (
	"math"
	"os"

	"signalbench/results"
)

// TenMillion is the number of connections that claims are made about.
const TenMillion = 10_000_000

// A Projection says what the plateaus of an arm lead to expect beyond what was
// measured. It is no measurement.
type Projection struct {
	Conns   int      // the most that were measured
	PerConn Interval // bytes, both ends
	Server  Interval // bytes, the server's end alone
	// Room is the bytes that were to be had before the first connection, without
	// what the processes had by then.
	Room float64
	// Fits is how many connections the room holds with both ends on the machine.
	// High is infinite where the error is larger than the cost.
	Fits Interval
}

// Memory is the bytes that so many connections need with both ends on one
// machine, beyond what the machine has in use without them.
func (p *Projection) Memory(conns float64) Interval { return p.PerConn.times(conns) }

// ServerMemory is the same for the server's end alone.
func (p *Projection) ServerMemory(conns float64) Interval { return p.Server.times(conns) }

// Project returns what the runs of the arm lead to expect; ok is false where a
// part of the cost was not measured.
func (a *Arm) Project() (Projection, bool) {
	var p Projection
	var sums, servers []Interval
	p.Room = math.Inf(1)
	for _, r := range a.Counted() {
		c, ok := r.Cost()
		base, last, known := r.ends()
		if !ok || !known || base.Kernel.MemAvailable <= 0 {
			continue
		}
		sums, servers = append(sums, c.Sum()), append(servers, c.ServerSum())
		p.Conns = max(p.Conns, last.Conns)
		room := float64(base.Kernel.MemAvailable)
		if c.Shards > 0 {
			room += float64(memoryOf(&base.Server)) // it is in the cost of a connection
		}
		p.Room = min(p.Room, room)
	}
	if len(sums) == 0 {
		return Projection{}, false
	}
	p.PerConn, p.Server = combine(sums), combine(servers)
	if p.PerConn.Mid <= 0 {
		return Projection{}, false
	}
	p.Fits = Interval{Low: p.Room / p.PerConn.High, Mid: p.Room / p.PerConn.Mid, High: math.Inf(1)}
	if p.PerConn.Low > 0 {
		p.Fits.High = p.Room / p.PerConn.Low
	}
	return p, true
}

// A Check puts a projection beside what was measured at more connections, in
// bytes per connection, both ends.
type Check struct {
	From, At  int // connections: the most that the projection rests on, and those of the measured reading
	Projected Interval
	Measured  float64
}

// Off is by how much the measured value lies beside the projected one: 0.05 if 5
// % more was measured.
func (c *Check) Off() float64 { return c.Measured/c.Projected.Mid - 1 }

// Kept says whether the interval holds what was measured.
func (c *Check) Kept() bool { return c.Measured >= c.Projected.Low && c.Measured <= c.Projected.High }

// CheckAgainst projects the arm to the largest reading of larger, and puts all
// that the machine's two ends took there, what comes only once included, beside
// it. ok is false if larger has no more connections, or a part was not measured.
func (a *Arm) CheckAgainst(larger *Arm) (c Check, ok bool) {
	p, known := a.Project()
	if !known {
		return Check{}, false
	}
	for _, r := range larger.Counted() {
		base, last, known := r.ends()
		if !known || last.Conns <= max(p.Conns, c.At) {
			continue
		}
		bytes := r.between(base, last)
		if r.Shards() > 1 {
			bytes += float64(memoryOf(&base.Server)) // there are more of them for more connections
		}
		c, ok = Check{From: p.Conns, At: last.Conns, Projected: p.PerConn, Measured: bytes / float64(last.Conns)}, true
	}
	return c, ok
}

// CheckWithin projects a run from its lower plateaus, up to three fifths of its
// connections, and puts beside it what was taken from there to the last one: a
// check that needs no other run. It needs three plateaus below.
func (r *Run) CheckWithin() (Check, bool) {
	_, last, ok := r.ends()
	if !ok {
		return Check{}, false
	}
	part := &results.Ledger{}
	var plateaus []*results.Reading
	for i := range r.Ledger.Readings {
		reading := &r.Ledger.Readings[i]
		if reading.Conns*5 > last.Conns*3 {
			continue
		}
		part.Readings = append(part.Readings, *reading)
		if reading.Kind == results.Settled && reading.Conns > 0 {
			plateaus = append(plateaus, reading)
		}
	}
	if len(plateaus) < 3 {
		return Check{}, false
	}
	from := plateaus[len(plateaus)-1]
	results.FitLedger(part)
	stored := *r.Run
	stored.Ledger = part
	small := *r
	small.Run = &stored
	c, ok := small.Cost()
	if !ok || from.Conns >= last.Conns {
		return Check{}, false
	}
	c.Shards = 0 // they were there at both readings
	return Check{
		From: from.Conns, At: last.Conns, Projected: c.Sum(),
		Measured: r.between(from, last) / float64(last.Conns-from.Conns),
	}, true
}

// between is by how many bytes all parts of the cost have grown from one reading
// to another.
func (r *Run) between(a, b *results.Reading) float64 {
	bytes := float64(memoryOf(&b.Server) - memoryOf(&a.Server) + memoryOf(&b.Client) - memoryOf(&a.Client))
	for _, o := range r.Kernel() {
		if o.Socket {
			bytes += b.Kernel.Slab[o.Name].InUse() - a.Kernel.Slab[o.Name].InUse()
		}
	}
	if a.Kernel.TCPMem >= 0 && b.Kernel.TCPMem >= 0 {
		bytes += float64(os.Getpagesize()) * float64(max(b.Kernel.TCPMem-a.Kernel.TCPMem, 0))
	}
	return bytes
}
