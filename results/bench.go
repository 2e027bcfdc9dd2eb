package results

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/perf/benchfmt"
)

// WriteBench writes runs as Go benchmark lines
// (https://golang.org/design/14313-benchmark-format), one line for the ramp,
// one for each window or storm and one for each slope of the ledger, so that
//
//	benchstat old/bench.txt new/bench.txt     two runs, or
//	benchstat -col arm suite/bench.txt        the arms of a suite
//
// need no conversion. What makes lines comparable is in the configuration (arm,
// cpu, kernel) and in the name (connections, rate, payload, rooms, backoff). The verdict is
// configuration as well: benchstat never mixes valid and invalid runs.
//
// A percentile is left out where fewer values lie beyond it than one.
func WriteBench(w io.Writer, runs ...*Run) error {
	bw := benchfmt.NewWriter(w)
	b := benchWriter{w: bw}
	if len(runs) > 0 {
		b.units()
	}
	for _, run := range runs {
		b.run(run)
	}
	if b.err != nil {
		return fmt.Errorf("writing benchmark lines: %w", b.err)
	}
	return nil
}

type benchWriter struct {
	w   *benchfmt.Writer
	err error
}

// unitMeta tells benchstat which way is better. It lists the units that are not
// times or bytes, for which benchstat knows it.
var unitMeta = []struct{ unit, better string }{
	{"ops/s", "higher"}, {"upgrades/s", "higher"}, {"B/conn", "lower"}, {"count/conn", "lower"},
	{"relays/s", "higher"}, {"deliveries/s", "higher"}, {"deliveries/bare", "higher"}, {"deliveries/server-core-s", "higher"},
	{"peak-dials/s", "lower"}, {"peak-back/s", "higher"}, {"failed-attempts", "lower"},
}

func (b *benchWriter) units() {
	for _, u := range unitMeta {
		b.write(&benchfmt.UnitMetadata{
			UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: u.unit, Key: "better"},
			OrigUnit:        u.unit, Value: u.better,
		})
	}
}

func (b *benchWriter) write(r benchfmt.Record) {
	if b.err == nil {
		b.err = b.w.Write(r)
	}
}

func (b *benchWriter) run(run *Run) {
	var config []benchfmt.Config
	for _, kv := range [][2]string{
		{"goos", "linux"}, {"goarch", run.Env.Arch}, {"cpu", run.Env.CPU}, {"kernel", run.Env.Kernel},
		{"arm", run.Label}, {"verdict", string(run.Verdict)},
	} {
		if kv[1] != "" {
			config = append(config, benchfmt.Config{Key: kv[0], Value: []byte(oneLine(kv[1])), File: true})
		}
	}
	line := func(name string, iters uint64, values []benchfmt.Value) {
		if len(values) > 0 {
			b.write(&benchfmt.Result{Config: config, Name: benchfmt.Name(name), Iters: int(max(iters, 1)), Values: values})
		}
	}
	for i := range run.Phases {
		p := &run.Phases[i]
		switch p.Kind {
		case Ramp:
			line(benchName("ramp", "conns", run.Spec.Conns, "rate", run.Spec.Ramp), p.Dials.Upgraded, rampValues(p))
		case Window:
			if p.Ops.Scheduled > 0 || p.Storm != nil {
				line(windowName(run, p), max(p.Ops.Completed, p.Dials.Upgraded), windowValues(p))
			}
		}
	}
	if run.Ledger == nil {
		return
	}
	for _, s := range run.Ledger.Slopes {
		unit := "B/conn"
		if s.Unit != "B" {
			unit = "count/conn"
		}
		line(benchName("ledger", "item", oneWord(s.Item), "kind", string(s.Kind)), uint64(s.Readings),
			[]benchfmt.Value{{Value: s.PerConn, Unit: unit}})
	}
}

func rampValues(p *Phase) []benchfmt.Value {
	var v []benchfmt.Value
	if p.Length > 0 {
		v = append(v, benchfmt.Value{Value: float64(p.Dials.Upgraded) / p.Length.Seconds(), Unit: "upgrades/s"})
	}
	return append(v, metricValues(p)...)
}

func windowValues(p *Phase) []benchfmt.Value {
	v := append(signalingValues(p), metricValues(p)...)
	if p.Ops.Completed == 0 {
		return v
	}
	v = append([]benchfmt.Value{{Value: p.Achieved, Unit: "ops/s"}}, v...)
	for _, u := range []struct {
		Usage
		unit string
	}{{p.Server, "server-cpu-ns/op"}, {p.Client, "client-cpu-ns/op"}} {
		if u.Known {
			v = append(v, benchfmt.Value{Value: float64(u.User+u.System) / float64(p.Ops.Completed), Unit: u.unit})
		}
	}
	return v
}

func metricValues(p *Phase) []benchfmt.Value {
	var v []benchfmt.Value
	for _, m := range p.Metrics {
		if m.Count == 0 {
			continue
		}
		for _, q := range []struct {
			name  string
			value float64
			least uint64 // values needed for one beyond the percentile
		}{
			{"p50", float64(m.P50), 2}, {"p90", float64(m.P90), 10}, {"p99", float64(m.P99), 100},
			{"p99.9", float64(m.P999), 1000}, {"p99.99", float64(m.P9999), 10000}, {"max", float64(m.Max), 1},
		} {
			if m.Count >= q.least {
				v = append(v, benchfmt.Value{Value: q.value, Unit: m.Name + "-" + q.name + "-ns"})
			}
		}
	}
	return v
}

// benchName joins a title and key/value pairs to a benchmark name:
// "echo-closed", "conns", 10 gives "EchoClosed/conns=10". Keys with an empty
// or zero value are left out.
func benchName(title string, pairs ...any) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(title, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		r, n := utf8.DecodeRuneInString(word)
		b.WriteRune(unicode.ToUpper(r))
		b.WriteString(word[n:])
	}
	if b.Len() == 0 {
		b.WriteString("Unnamed")
	}
	for i := 0; i < len(pairs); i += 2 {
		var v string
		switch x := pairs[i+1].(type) {
		case float64:
			v = number(x)
		default:
			v = fmt.Sprint(x)
		}
		if v != "" && v != "0" {
			fmt.Fprintf(&b, "/%s=%s", pairs[i], v)
		}
	}
	return b.String()
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func oneWord(s string) string { return strings.Join(strings.Fields(s), "_") }
