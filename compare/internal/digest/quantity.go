package digest

import (
	"math"
	"strconv"
	"time"

	"signalbench/compare/internal/stat"
	"signalbench/results"
)

// A Unit says what a value counts, and so how it is written.
type Unit string

// The units. Durations are in nanoseconds.
const (
	BytesPerConn Unit = "B/conn"
	CountPerConn Unit = "1/conn"
	Nanoseconds  Unit = "ns"
	NsPerMessage Unit = "ns/msg"
	PerSecond    Unit = "1/s"
	PerCoreSec   Unit = "1/core-s"
	Cores        Unit = "cores" // processors busy
	Bytes        Unit = "B"
	Ratio        Unit = "ratio"
	Count        Unit = "1"
)

// A Quantity is one figure of a run.
type Quantity struct {
	Name         string // stable, for example "echo.response.p99"
	Head         string // for a reader, for example "echo response p99"
	Unit         Unit
	HigherBetter bool
	of           func(*Run) (float64, bool)
	ofSuite      func(*Suite) (float64, bool) // instead, where it is of no run
	item         string                       // of the ledger, where the value is a reading of that
	asked        func(*Run) (float64, bool)   // nil: nobody asks for it
	aside        func(*Run) string            // nil: nothing to be said beside the value
}

// Asked is what the load generator was asked for of the quantity in a run, of which the
// value then says only that it was carried; ok is false if it was free.
func (q Quantity) Asked(r *Run) (value float64, ok bool) {
	if q.asked == nil {
		return 0, false
	}
	return q.asked(r)
}

// Aside is what a reader has to know beside the quantity's value in a run, such as of how
// little it is made; mostly it is empty.
func (q Quantity) Aside(r *Run) string {
	if q.aside == nil {
		return ""
	}
	return q.aside(r)
}

// Whole reports whether the quantity is one of a suite and not of its runs.
func (q Quantity) Whole() bool { return q.ofSuite != nil }

// OfSuite returns a quantity of the whole suite; ok is false if it is one of runs
// or was not measured.
func (q Quantity) OfSuite(s *Suite) (value float64, ok bool) {
	if q.ofSuite == nil {
		return 0, false
	}
	return q.ofSuite(s)
}

// Of returns the quantity's value in a run; ok is false if it was not measured.
func (q Quantity) Of(r *Run) (value float64, ok bool) { return q.of(r) }

// Values returns the quantity in each counted run of the arm that has it.
func (a *Arm) Values(q Quantity) []float64 {
	var values []float64
	for _, r := range a.Counted() {
		if v, ok := q.of(r); ok {
			values = append(values, v)
		}
	}
	return values
}

// Summary is the median of the quantity over the counted runs.
func (a *Arm) Summary(q Quantity) stat.Summary { return stat.Summarize(a.Values(q)) }

// Quantities returns every quantity that runs of the suites are compared by. What
// was not measured is in no run; the storms are those of the suites.
func Quantities(suites ...*Suite) []Quantity {
	var list []Quantity
	for _, s := range []struct {
		item, head string
		unit       Unit
	}{
		{results.ItemServerRSS, "server RSS", BytesPerConn},
		{"server.pss", "server PSS", BytesPerConn},
		{"server.heap", "server heap", BytesPerConn},
		{"server.stacks", "server stacks", BytesPerConn},
		{"server.goroutines", "server goroutines", CountPerConn},
		{"server.descriptors", "server descriptors", CountPerConn},
		{results.ItemKernelServer, "kernel, server half", BytesPerConn},
		{results.ItemClientRSS, "loadgen RSS", BytesPerConn},
	} {
		list = append(list, Slope(s.item, s.head, s.unit))
	}
	list = append(list, Quantity{Name: "ramp.upgrades", Head: "upgrades", Unit: PerSecond, HigherBetter: true, of: upgradeRate})
	for _, m := range []string{results.MetricConnect, results.MetricTLS, results.MetricUpgrade, results.MetricFirstEcho, results.MetricJoin} {
		list = append(list, Quantile(RampPart, m, 0.5), Quantile(RampPart, m, 0.99))
	}
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 0.9999, 1} {
		list = append(list, Quantile(EchoPart, results.MetricResponse, q))
	}
	list = append(list,
		Quantile(EchoPart, results.MetricService, 0.5), Quantile(EchoPart, results.MetricService, 0.99),
		ServerCPU(EchoPart), ClientCPU(EchoPart),
		Throughput(ClosedPart),
		Quantile(ClosedPart, results.MetricService, 0.5), Quantile(ClosedPart, results.MetricService, 0.99),
		ServerCPU(ClosedPart), ClientCPU(ClosedPart),
		Quantile(ChurnPart, results.MetricDial, 0.5), Quantile(ChurnPart, results.MetricDial, 0.99),
		Quantity{Name: "gc.pause.p99", Head: "GC pause p99", Unit: Nanoseconds, of: func(r *Run) (float64, bool) {
			gc := r.Target.GC
			if gc == nil || gc.Count == 0 {
				return 0, false
			}
			return float64(gc.P99), true
		}},
	)
	list = append(list, relayQuantities()...)
	list = append(list, hongbaoQuantities()...)
	list = append(list, pushQuantities()...)
	list = append(list, fanoutQuantities()...)
	for _, p := range Storms(suites...) {
		list = append(list, stormQuantities(p)...)
	}
	return append(list, adversaryQuantities()...)
}

// Quantile is a percentile of a metric in a part; q = 1 is the maximum. It is
// not there where fewer values lie beyond it than one.
func Quantile(p Part, metric string, q float64) Quantity {
	name := QuantileName(q)
	return Quantity{
		Name: partKey(p) + "." + metric + "." + name, Head: partHead(p) + metric + " " + name, Unit: Nanoseconds,
		of: func(r *Run) (float64, bool) {
			d, ok := QuantileOf(r.Histogram(p, metric), q)
			return float64(d), ok
		},
	}
}

// QuantileOf reads a percentile of a histogram, which may be nil. It is not
// there if fewer values lie beyond it than one: the p99.9 of 100 values is
// their maximum under another name.
func QuantileOf(h *results.Histogram, q float64) (time.Duration, bool) {
	if h == nil || h.Count() == 0 || (q < 1 && float64(h.Count())*(1-q) < 1-1e-9) {
		return 0, false
	}
	return h.Quantile(q), true
}

// QuantileName is "p99.9" for 0.999, "max" for 1.
func QuantileName(q float64) string {
	if q == 1 {
		return "max"
	}
	return "p" + trimFloat(q*100)
}

// Throughput is the rate of completed operations in a part.
func Throughput(p Part) Quantity {
	return Quantity{
		Name: partKey(p) + ".throughput", Head: partHead(p) + "throughput", Unit: PerSecond, HigherBetter: true,
		of: func(r *Run) (float64, bool) {
			t, ok := r.Total(p)
			if !ok || t.Length <= 0 {
				return 0, false
			}
			return float64(t.Ops.Completed) / t.Length.Seconds(), true
		},
		asked: func(r *Run) (float64, bool) {
			w := r.Window(p)
			if w == nil || w.Model != results.OpenLoop || w.Offered <= 0 {
				return 0, false
			}
			return w.Offered, true
		},
	}
}

// ServerCPU is the CPU time of the server per completed operation of a part.
func ServerCPU(p Part) Quantity {
	return cpu(p, "server", func(t Total) results.Usage { return t.Server })
}

// ClientCPU is the CPU time of the load generator per completed operation.
func ClientCPU(p Part) Quantity {
	return cpu(p, "client", func(t Total) results.Usage { return t.Client })
}

func cpu(p Part, side string, usage func(Total) results.Usage) Quantity {
	return Quantity{
		Name: partKey(p) + ".cpu." + side, Head: partHead(p) + side + " CPU per message", Unit: NsPerMessage,
		of: func(r *Run) (float64, bool) {
			t, ok := r.Total(p)
			u := usage(t)
			if !ok || !u.Known || t.Ops.Completed == 0 {
				return 0, false
			}
			return float64(u.User+u.System) / float64(t.Ops.Completed), true
		},
	}
}

// Slope is what one connection costs of an item of the ledger, settled.
func Slope(item, head string, unit Unit) Quantity {
	return Quantity{
		Name: "ledger." + item, Head: head, Unit: unit,
		of: func(r *Run) (float64, bool) {
			s, ok := r.Slope(item)
			return s.PerConn, ok
		},
	}
}

// Slope returns the settled slope of a ledger item.
func (r *Run) Slope(item string) (results.Slope, bool) {
	if r.Ledger == nil {
		return results.Slope{}, false
	}
	return r.Ledger.Slope(item, results.Settled)
}

// upgradeRate says something about the server only where the ramp went as fast
// as it could.
func upgradeRate(r *Run) (float64, bool) {
	t, ok := r.Total(RampPart)
	if !ok || t.Length <= 0 || r.Spec.Ramp > 0 {
		return 0, false
	}
	return float64(t.Dials.Upgraded) / t.Length.Seconds(), true
}

func trimFloat(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}
