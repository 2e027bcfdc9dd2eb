package results

import (
	"math"
	"os"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// confidence of the intervals of slopes.
	confidence = 0.95
	// moving is how many objects per connection a slab cache outside of
	// socketCaches must gain, with its whole interval, to have a row of its own.
	moving = 0.02
)

// FitLedger replaces l.Slopes by what its readings say, for each kind of
// reading that has at least two different counts of connections.
//
// The fit is over the plateaus. The baseline without connections is one more
// point only if there are fewer than three plateaus: the first connections also
// bring what a process allocates once (poller stacks, pools, code pages), and a
// line through the baseline would spread that over the connections. The
// baseline may be of another kind than the plateaus.
//
// An item that is not known (-1) in a reading is fitted over the others.
func FitLedger(l *Ledger) {
	l.Slopes = nil
	for _, kind := range []ReadingKind{Settled, AsRun, Peak} {
		f := fitter{kind: kind, readings: pick(l.Readings, kind)}
		if len(f.readings) > 0 {
			f.processes()
			f.kernel()
		}
		l.Slopes = append(l.Slopes, f.slopes...)
	}
}

// Slope finds a fitted item.
func (l *Ledger) Slope(item string, kind ReadingKind) (Slope, bool) {
	for _, s := range l.Slopes {
		if s.Item == item && s.Kind == kind {
			return s, true
		}
	}
	return Slope{}, false
}

// pick returns the readings to fit for a kind, nil if they are too few.
func pick(all []Reading, kind ReadingKind) []Reading {
	var chosen []Reading
	counts := make(map[int]bool)
	for _, r := range all {
		if r.Kind == kind && r.Conns > 0 {
			chosen = append(chosen, r)
			counts[r.Conns] = true
		}
	}
	if len(counts) == 0 {
		return nil
	}
	if len(counts) < 3 && all[0].Conns == 0 {
		chosen = append([]Reading{all[0]}, chosen...)
		counts[0] = true
	}
	if len(counts) < 2 {
		return nil
	}
	return chosen
}

type fitter struct {
	kind     ReadingKind
	readings []Reading
	slopes   []Slope
}

// line fits one item and reports whether there is a slope. value gives NaN for
// what is not known.
func (f *fitter) line(item, unit string, value func(*Reading) float64) (Slope, bool) {
	var x, y []float64
	for i := range f.readings {
		if v := value(&f.readings[i]); !math.IsNaN(v) {
			x = append(x, float64(f.readings[i].Conns))
			y = append(y, v)
		}
	}
	if len(x) < 2 || slices.Min(x) == slices.Max(x) {
		return Slope{}, false
	}
	fixed, perConn := stat.LinearRegression(x, y, nil, false)
	s := Slope{Item: item, Kind: f.kind, Unit: unit, PerConn: perConn, Fixed: fixed, Readings: len(x)}
	if free := float64(len(x) - 2); free > 0 {
		mean := stat.Mean(x, nil)
		var sxx, sse float64
		for i := range x {
			sxx += (x[i] - mean) * (x[i] - mean)
			r := y[i] - fixed - perConn*x[i]
			sse += r * r
		}
		t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: free}.Quantile(1 - (1-confidence)/2)
		half := t * math.Sqrt(sse/free/sxx)
		s.HasInterval, s.Low, s.High = true, perConn-half, perConn+half
	}
	return s, true
}

func (f *fitter) add(item, unit string, value func(*Reading) float64) (Slope, bool) {
	s, ok := f.line(item, unit, value)
	if ok {
		f.slopes = append(f.slopes, s)
	}
	return s, ok
}

// known turns the -1 of what is not known into NaN.
func known(v int64) float64 {
	if v < 0 {
		return math.NaN()
	}
	return float64(v)
}

func (f *fitter) processes() {
	for _, side := range []struct {
		name string
		of   func(*Reading) *Process
	}{
		{"server", func(r *Reading) *Process { return &r.Server }},
		{"client", func(r *Reading) *Process { return &r.Client }},
	} {
		for _, item := range []struct {
			name, unit string
			of         func(*Process) int64
		}{
			{"rss", "B", func(p *Process) int64 { return p.RSS }},
			{"pss", "B", func(p *Process) int64 { return p.PSS }},
			{"anon", "B", func(p *Process) int64 { return p.Anon }},
			{"heap", "B", func(p *Process) int64 { return p.Heap }},
			{"stacks", "B", func(p *Process) int64 { return p.Stacks }},
			{"goroutines", "1", func(p *Process) int64 { return p.Goroutines }},
			{"descriptors", "1", func(p *Process) int64 { return p.Descriptors }},
		} {
			f.add(side.name+"."+item.name, item.unit, func(r *Reading) float64 { return known(item.of(side.of(r))) })
		}
	}
}

func (f *fitter) kernel() {
	rows, members := f.caches()
	for _, name := range rows {
		f.add("kernel."+name, "B", func(r *Reading) float64 { return inUse(r, name) })
	}
	sockets := func(r *Reading) float64 { return inUse(r, members...) }
	if len(members) > 0 {
		f.add(ItemKernelSockets, "B", sockets)
		if server, client, ok := f.shares(); ok {
			f.add(ItemKernelServer, "B", func(r *Reading) float64 { return server * sockets(r) })
			f.add(ItemKernelClient, "B", func(r *Reading) float64 { return client * sockets(r) })
		}
		f.add(ItemKernelOther, "B", func(r *Reading) float64 {
			var sum float64
			for name, c := range r.Kernel.Slab {
				if name != procInodes && !slices.Contains(rows, name) {
					sum += c.InUse()
				}
			}
			return sum
		})
	}
	page := float64(os.Getpagesize())
	f.add(ItemTCPMem, "B", func(r *Reading) float64 { return known(r.Kernel.TCPMem) * page })
	f.add(ItemMachine, "B", func(r *Reading) float64 { return known(r.Kernel.MemTotal) - known(r.Kernel.MemFree) })
	if f.everywhere(procInodes) {
		f.add(ItemProcInodes, "B", func(r *Reading) float64 { return inUse(r, procInodes) })
	}
}

// inUse sums up caches of a reading.
func inUse(r *Reading, names ...string) float64 {
	var sum float64
	for _, n := range names {
		sum += r.Kernel.Slab[n].InUse()
	}
	return sum
}

// everywhere reports whether every reading has the cache.
func (f *fitter) everywhere(cache string) bool {
	for i := range f.readings {
		if _, ok := f.readings[i].Kernel.Slab[cache]; !ok {
			return false
		}
	}
	return true
}

// caches chooses the slab caches that have rows of their own: those of sockets
// that hold any object, and others that grow with the connections beyond doubt.
// Of the others only those shared by size (kmalloc) are members of the sum;
// those of file systems grow because something else happened meanwhile.
func (f *fitter) caches() (rows, members []string) {
	for _, name := range socketCaches {
		if f.everywhere(name) && slices.ContainsFunc(f.readings, func(r Reading) bool { return r.Kernel.Slab[name].Active > 0 }) {
			rows = append(rows, name)
		}
	}
	members = slices.Clone(rows)
	var others []string
	for name := range f.readings[0].Kernel.Slab {
		if name == procInodes || slices.Contains(socketCaches, name) || !f.everywhere(name) {
			continue
		}
		s, ok := f.line(name, "1", func(r *Reading) float64 { return float64(r.Kernel.Slab[name].Active) })
		if ok && s.HasInterval && s.Low >= moving {
			others = append(others, name)
			if anonymous(name) {
				members = append(members, name)
			}
		}
	}
	slices.Sort(others)
	slices.Sort(members[len(rows):])
	return append(rows, others...), members
}

// held is how many sockets of a connection each side holds on this machine: at
// most one, since a second descriptor of a socket is no second socket.
func (f *fitter) held() (server, client float64) {
	sockets := func(item string, of func(*Reading) *Process) float64 {
		s, ok := f.line(item, "1", func(r *Reading) float64 { return known(of(r).Descriptors) })
		if !ok {
			return 0
		}
		return min(max(s.PerConn, 0), 1)
	}
	return sockets("server", func(r *Reading) *Process { return &r.Server }),
		sockets("client", func(r *Reading) *Process { return &r.Client })
}

// shares divides the kernel's memory between the sides; see ItemKernelServer.
// ok is false if neither side is known to hold sockets here.
func (f *fitter) shares() (server, client float64, ok bool) {
	server, client = f.held()
	sum := server + client
	if sum < 0.5 { // descriptors do not grow with the connections
		return 0, 0, false
	}
	return server / sum, client / sum, true
}

// sockets compares the TCP sockets that both sides hold of a connection with
// those that the whole machine gains; ok is false if they are not known.
func (l *Ledger) sockets(kind ReadingKind) (held, gained float64, ok bool) {
	f := fitter{kind: kind, readings: pick(l.Readings, kind)}
	if len(f.readings) == 0 {
		return 0, 0, false
	}
	server, client := f.held()
	s, ok := f.line("sockets", "1", func(r *Reading) float64 { return known(r.Kernel.TCPInUse) })
	return server + client, s.PerConn, ok && server+client >= 0.5
}
