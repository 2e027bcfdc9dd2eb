package digest

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"signalbench/results"
)

// An Interval is a value with what bounds it. Without a known error Low and
// High are Mid.
type Interval struct{ Low, Mid, High float64 }

func exactly(v float64) Interval { return Interval{v, v, v} }

// plus adds ends to ends: the widest sum, right however the errors hang
// together.
func (i Interval) plus(o Interval) Interval {
	return Interval{i.Low + o.Low, i.Mid + o.Mid, i.High + o.High}
}

func (i Interval) times(v float64) Interval { return Interval{i.Low * v, i.Mid * v, i.High * v} }

// A Cost is what one connection takes of the memory of a machine that holds
// both of its ends, in bytes. It is counted object by object: what the machine
// lost of its free memory is Machine, and is not used for the sum, because files
// that are read meanwhile take free memory as well and give it back.
type Cost struct {
	Server, Client Interval // PSS of the processes, RSS where that is not known
	Kernel         Interval // objects behind sockets, of both ends
	KernelServer   Interval // of them the server's
	Buffers        Interval // charged to TCP for data on its way
	// Shards is the server's processes before the first connection, divided by
	// the connections that they held: 0 for one process, which has no sibling.
	Shards  float64
	Machine Interval
}

// Sum is the whole cost on a machine with both ends.
func (c *Cost) Sum() Interval {
	return c.Server.plus(c.Client).plus(c.Kernel).plus(c.Buffers).plus(exactly(c.Shards))
}

// ServerSum is the cost on a machine that has the server's end alone. Buffers
// are taken as if all were the server's.
func (c *Cost) ServerSum() Interval {
	return c.Server.plus(c.KernelServer).plus(c.Buffers).plus(exactly(c.Shards))
}

// Cost returns the cost of a connection; ok is false where a part of it was not
// measured, for example because the server is on another machine.
func (r *Run) Cost() (c Cost, ok bool) {
	if r.Ledger == nil {
		return Cost{}, false
	}
	c.Server, ok = r.interval("server.pss", results.ItemServerRSS)
	for _, part := range []struct {
		to    *Interval
		items []string
	}{
		{&c.Client, []string{"client.pss", results.ItemClientRSS}},
		{&c.Kernel, []string{results.ItemKernelSockets}},
		{&c.KernelServer, []string{results.ItemKernelServer}},
		{&c.Machine, []string{results.ItemMachine}},
	} {
		var known bool
		*part.to, known = r.interval(part.items...)
		ok = ok && known
	}
	// The kernel gives pages to TCP and takes them back in steps: a line through
	// them can fall, and no connection gives memory back.
	if b, known := r.interval(results.ItemTCPMem); known {
		c.Buffers = Interval{max(b.Low, 0), max(b.Mid, 0), max(b.High, 0)}
	}
	if base, last, known := r.ends(); known && r.Shards() > 1 {
		c.Shards = float64(memoryOf(&base.Server)) / float64(last.Conns)
	}
	return c, ok
}

// interval is the settled slope of the first of items that has one.
func (r *Run) interval(items ...string) (Interval, bool) {
	for _, item := range items {
		s, ok := r.Slope(item)
		switch {
		case ok && s.HasInterval:
			return Interval{s.Low, s.PerConn, s.High}, true
		case ok:
			return exactly(s.PerConn), true
		}
	}
	return Interval{}, false
}

// ends returns the last settled reading before the first connection, or the last
// one of another kind, and the settled reading of the most connections.
func (r *Run) ends() (base, last *results.Reading, ok bool) {
	if r.Ledger == nil {
		return nil, nil, false
	}
	for i := range r.Ledger.Readings {
		reading := &r.Ledger.Readings[i]
		switch {
		case reading.Conns == 0 && last == nil:
			base = reading
		case reading.Kind == results.Settled && (last == nil || reading.Conns > last.Conns):
			last = reading
		}
	}
	return base, last, base != nil && last != nil
}

// memoryOf is the PSS of a process, or its RSS where that is not known.
func memoryOf(p *results.Process) int64 {
	if p.PSS > 0 {
		return p.PSS
	}
	return p.RSS
}

// Shards is how many processes served, by the server's command line in the
// suite; 1 if it does not say. What the server tells of its settings is one
// process's own.
func (r *Run) Shards() int {
	for _, arg := range r.argv {
		if v, ok := strings.CutPrefix(arg, "--shards="); ok {
			if n, err := strconv.Atoi(v); err == nil && n > 0 {
				return n
			}
		}
	}
	return 1
}

// An Object is what a slab cache held of one connection at the last plateau.
type Object struct {
	Name    string
	Size    float64 // bytes of one, with its share of what a slab wastes
	PerConn float64 // how many more than before the first connection
}

// Objects returns the slab caches of sockets and how they had grown at the last
// plateau, of the ledger's rows those that did.
func (r *Run) Objects() []Object {
	base, last, ok := r.ends()
	if !ok {
		return nil
	}
	var list []Object
	for _, o := range r.Kernel() {
		before, known := base.Kernel.Slab[o.Name]
		after := last.Kernel.Slab[o.Name]
		if !o.Socket || !known || after.Active == 0 {
			continue
		}
		perConn := float64(after.Active-before.Active) / float64(last.Conns)
		if math.Abs(perConn) < 0.005 { // 0.00
			continue
		}
		list = append(list, Object{Name: o.Name, Size: after.InUse() / float64(after.Active), PerConn: perConn})
	}
	return list
}

// combine takes the intervals of several runs together: the widest around the
// median.
func combine(list []Interval) Interval {
	if len(list) == 0 {
		return exactly(math.NaN())
	}
	all := Interval{math.Inf(1), 0, math.Inf(-1)}
	var mids []float64
	for _, i := range list {
		all.Low, all.High = min(all.Low, i.Low), max(all.High, i.High)
		mids = append(mids, i.Mid)
	}
	slices.Sort(mids)
	n := len(mids)
	all.Mid = (mids[(n-1)/2] + mids[n/2]) / 2
	return all
}
