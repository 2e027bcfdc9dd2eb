package trial

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"signalbench/loadgen/internal/adversary"
	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/ledger"
	"signalbench/loadgen/internal/record"
	"signalbench/results"
)

// Why a run ends before its plan does.
var (
	errInterrupted = errors.New("interrupted")
	errServerGone  = errors.New("the server is gone: for a while no connection was open and none could be made")
	errStalled     = errors.New("the ramp stalled")
	errReserve     = errors.New("the machine has too little memory left")
)

// runner carries out one plan. It belongs to one goroutine.
type runner struct {
	plan     *Plan
	tempo    tempo
	observer Observer
	ctx      context.Context
	stop     <-chan struct{} // ctx's; nil from the teardown on
	base     time.Time
	result   *results.Run
	writer   *results.Writer
	sampler  *ledger.Sampler
	fleet    *fleet
	ticker   *time.Ticker

	before  results.Holdings // of the kernel, without connections
	live    []*phase         // open phases
	current string           // name of the phase that runs
	swapped []*record.Set

	gauges   gauges
	second   second
	ticked   time.Duration
	upgraded uint64 // so far
	broken   uint64 // dials and operations failed, connections lost, so far
	watch    bool   // connections are expected to be there
	deserted int    // ticks without any
	dialling dialling
	crowd    *adversary.Crowd // nil: none is at work

	published uint32 // messages of each publisher of workload broadcast, so far
}

func (r *runner) now() time.Duration { return time.Since(r.base) }

// Run carries out the plan and returns what was written to Plan.Out, judged.
// When ctx is done it ends early in good order, keeps what was measured and
// marks it partial; that, or an INVALID verdict, is no error. After an error
// there is no Plan.Out.
func Run(ctx context.Context, p *Plan, o Observer) (*results.Run, error) {
	return run(ctx, p, o, normal)
}

// tempo is what tests have no time or no machine for.
type tempo struct {
	tick     time.Duration // from one row to the next
	readings bool          // memory is read
	proc     string        // where the kernel's counters are
	round    time.Duration // of bare fan-out; 0: its own choice
	patience time.Duration // with a machine that is to be as before; 0: one look
}

var normal = tempo{tick: time.Second, readings: true, proc: "/proc", patience: baselinePatience}

func run(ctx context.Context, p *Plan, o Observer, tempo tempo) (*results.Run, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if err := Preflight(ctx, p); err != nil {
		return nil, err
	}
	writer, err := results.Create(p.Out)
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	defer writer.Abort() //nolint:errcheck // nothing to do about it
	sampler, err := ledger.New(ctx, ledger.Options{ServerPID: p.ServerPID, Admin: p.Admin})
	if err != nil {
		return nil, err
	}
	defer sampler.Close()
	// A lane that returns from epoll finds a processor, whatever the others do.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(runtime.NumCPU(), p.loops()+2)))

	r := &runner{plan: p, tempo: tempo, observer: o, ctx: ctx, stop: ctx.Done(), writer: writer, sampler: sampler}
	env := results.CaptureEnv(ctx)
	r.base = time.Now()
	writer.Begin(r.base)
	r.result = &results.Run{
		Schema: results.SchemaRun, ID: NewID(r.base, p.Label), Label: p.Label, Started: r.base,
		Spec: p.spec(), Env: env, Ledger: &results.Ledger{Notes: sampler.Notes()},
	}
	if err := r.yardstick(); err != nil {
		return nil, err
	}
	if r.fleet, err = launch(ctx, p, r.now, refTag(r.base)); err != nil {
		return nil, err
	}
	defer r.fleet.stop()
	r.ticker = time.NewTicker(tempo.tick)
	defer r.ticker.Stop()

	if err := r.dialLines(); err != nil {
		return nil, err
	}
	r.before = sampler.Holdings()
	why := r.carryOut()
	if err := r.conclude(why); err != nil {
		return nil, err
	}
	return r.result, nil
}

// carryOut runs all phases. Whatever ends it early, the phases that were open
// are closed.
func (r *runner) carryOut() error {
	base, compares, why := r.pingsBefore()
	if why == nil {
		why = r.connect()
	}
	names := make(map[string]int)
	for _, w := range r.plan.Workloads {
		if why != nil {
			break
		}
		why = r.both(w, names)
	}
	if why == nil && compares {
		why = r.comparePings(base)
	}
	if errors.Is(why, errLaneEnded) {
		return why
	}
	defer r.aftermath()
	return errors.Join(why, r.teardown())
}

// workload runs one workload, which is named by how often it was run before.
func (r *runner) workload(w string, names map[string]int, suffix string) error {
	if w == Storm {
		return r.storms(names, suffix)
	}
	names[w]++
	name := w
	if n := names[w]; n > 1 {
		name = fmt.Sprintf("%s-%d", w, n)
	}
	return r.load(w, name+suffix)
}

// conclude judges and writes.
func (r *runner) conclude(why error) error {
	// The interrupt must not stop the last questions.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	run := r.result
	run.Ended = time.Now()
	run.Target = r.sampler.Target()
	r.sampler.Finish(ctx, &run.Target)
	run.ClientGC = r.sampler.OwnPauses()
	switch {
	case why == nil:
	case errors.Is(why, errInterrupted), errors.Is(why, errStalled), errors.Is(why, errReserve):
		run.Partial = true
	case errors.Is(why, errServerGone):
		run.Partial = true
		r.find(results.Fatal, results.CheckServerAlive, "", "%v; the run ended after %v", why, r.now().Round(time.Millisecond))
	default:
		run.Partial = true
		r.find(results.Fatal, "generator", "", "the generator failed: %v", why)
	}
	r.remarks()
	results.FitLedger(run.Ledger)
	run.Judge(results.DefaultLimits())
	return r.writer.Finish(run)
}

func (r *runner) find(s results.Severity, check, phase, format string, a ...any) {
	r.result.Findings = append(r.result.Findings, results.Finding{Severity: s, Check: check, Phase: phase, Text: fmt.Sprintf(format, a...)})
}

// NewID names a run: unique on a machine, sorted by start time.
func NewID(started time.Time, label string) string {
	id := started.UTC().Format("20060102T150405.000")
	if label != "" {
		id += "-" + label
	}
	return id
}

func (p *Plan) spec() results.Spec {
	s := results.Spec{
		Command: p.Command, URL: p.Target.String(), Workloads: p.Workloads,
		Conns: p.Conns, Plateaus: p.Plateaus, Ramp: float64(p.Ramp), Pending: p.Pending, FirstEcho: p.FirstEcho,
		Lanes: p.Lanes, Payload: p.Payload, Binary: p.Binary, InFlight: p.InFlight, Rate: float64(p.Rate),
		Settle: p.Settle, WarmUp: p.WarmUp, Window: p.Window, Drain: p.Drain, DialTimeout: p.DialTimeout,
		Lifetime: p.Lifetimes.Mean, Seed: p.Lifetimes.Seed, CloseRate: float64(p.CloseRate),
	}
	if slices.ContainsFunc(p.Workloads, Broadcasts) {
		s.Publishers = p.Publishers
	}
	s.Adversaries = p.beset()
	if p.Proto != nil {
		s.Proto, s.Topic, s.Rooms = channel.Name, p.Proto.Topic, p.rooms()
	}
	if p.Subscribe {
		s.Proto = Subscribes
	}
	if p.signals() {
		s.Swarm, s.Contacts, s.Candidates, s.Trickle = p.Swarm, p.Contacts, p.Candidates, p.Trickle
	}
	if slices.Contains(p.Workloads, Hold) {
		s.Heartbeat, s.Probe, s.Silence = p.Heartbeat, p.Probe, p.Silence
		if p.Heartbeat > 0 {
			s.HeartbeatTimeout = p.HeartbeatTimeout
		}
	}
	if slices.Contains(p.Workloads, Storm) {
		s.Storm, s.StormLimit = p.Storm, p.StormLimit
		for _, b := range p.Backoffs {
			s.Backoffs = append(s.Backoffs, b.String())
		}
	}
	return s
}
