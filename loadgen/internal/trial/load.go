package trial

import (
	"errors"
	"time"

	"signalbench/loadgen/internal/adminapi"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/workload"
	"signalbench/loadgen/internal/yardstick"
	"signalbench/results"
)

// shape is what the phases of a workload have in common.
type shape struct {
	model   results.Model
	offered float64
	timed   []record.Metric
}

func (r *runner) shape(w string, conns int) shape {
	switch w {
	case Echo, Push:
		return shape{results.OpenLoop, float64(r.plan.Rate), []record.Metric{record.Response, record.Service, record.Lag}}
	case EchoClosed:
		return shape{results.ClosedLoop, 0, []record.Metric{record.Service}}
	case Churn:
		timed := r.plan.dialled()
		if r.plan.greets() {
			timed = append(timed, r.plan.greeting(), record.Service)
		}
		return shape{results.NoLoad, 0, timed}
	case Signal:
		return shape{results.OpenLoop, float64(r.plan.sessions()), signalled()}
	case Broadcast, BroadcastClosed:
		timed := []record.Metric{record.Service, record.Delivery, record.First, record.Median, record.P99}
		if !r.plan.closed(w) {
			return shape{results.OpenLoop, float64(r.plan.Rate), append([]record.Metric{record.Response, record.Lag}, timed...)}
		}
		return shape{results.ClosedLoop, 0, timed}
	case Hongbao:
		return shape{results.OpenLoop, float64(r.plan.Rate), shaken()}
	case Hold:
		if r.plan.Heartbeat > 0 {
			rate := float64(conns) / r.plan.Heartbeat.Seconds()
			return shape{results.OpenLoop, rate, []record.Metric{record.Response, record.Service, record.Lag}}
		}
	}
	return shape{results.NoLoad, 0, nil}
}

// load runs one workload: warm-up and window at moments that are set in
// advance, then a drain until every answer has come or its time is over.
func (r *runner) load(w, name string) error {
	p := r.plan
	counts, err := r.openConns()
	if err != nil {
		return err
	}
	ring := workload.NewRing(counts)
	var bare *yardstick.Fanout
	if Broadcasts(w) && p.Yardstick {
		bare = &yardstick.Fanout{Conns: ring.Total(), Bytes: p.broadcastBytes(), Round: r.tempo.round}
		if err := r.bareFanout(bare); err != nil {
			return err
		}
	}
	s := r.shape(w, ring.Total())
	named := func(kind results.PhaseKind, model results.Model, timed ...record.Metric) *phase {
		return newPhase(p.loops(), results.Phase{
			Name: name + "/" + string(kind), Kind: kind, Workload: w, Model: model, Offered: s.offered,
		}, timed...)
	}
	warm := named(results.WarmUp, s.model, s.timed...)
	window := named(results.Window, s.model, s.timed...)
	if w == Signal {
		warm.Signal, window.Signal = p.sessionsOf(), p.sessionsOf()
	}
	var purse *workload.Purse
	var before *adminapi.Hongbao
	if w == Hongbao {
		warm.Hongbao, window.Hongbao = new(results.Hongbao), new(results.Hongbao)
		purse, before = workload.NewPurse(), r.money()
	}
	drain := named(results.Drain, results.NoLoad)
	drain.Offered = 0
	life := r.beats(w)
	if life.Probe > 0 {
		window.probed(p.loops())
	}

	span := workload.Span{Start: r.now() + lead}
	span.Main = span.Start + p.WarmUp
	span.End = span.Main + p.Window
	var ahead pace.Schedule = pace.Burst{} // nothing: a Constant of length 0 has no end
	if p.WarmUp > 0 {
		ahead = pace.Constant{Rate: p.Rate, Length: p.WarmUp}
	}
	var fan *workload.Fanout
	if Broadcasts(w) {
		if fan, err = r.fanout(w, span, ahead); err != nil {
			return err
		}
		warm.Fanout, window.Fanout = newFanout(fan), newFanout(fan)
	}
	pings, err := stamp.New(stamp.HeaderSize, byte(r.base.UnixNano()))
	if err != nil {
		return err
	}
	relays, err := stamp.New(stamp.HeaderSize, relayTag(r.base))
	if err != nil {
		return err
	}
	err = r.hand(func(c *crew) workload.Stage {
		shards := workload.Shards{Warm: warm.shards[c.Index], Main: window.shards[c.Index]}
		if window.probes != nil {
			c.delivery.Begin(nil, window.probes.shards[c.Index], span)
		} else {
			c.delivery.Begin(shards.Warm, shards.Main, span)
		}
		switch w {
		case Hold:
			if life != (workload.Beats{}) {
				return workload.NewPulse(c.Lane, c.delivery, ring, span, shards, pings, life)
			}
		case Echo, Push:
			return workload.NewOpen(c.Lane, c.delivery, ring, span, ahead, pace.Constant{Rate: p.Rate, Length: p.Window})
		case Hongbao:
			return workload.NewHongbao(c.Lane, c.delivery, ring, span, shards, ahead, pace.Constant{Rate: p.Rate, Length: p.Window}, purse, today)
		case EchoClosed:
			return workload.NewClosed(c.Lane, c.delivery, ring, span, p.InFlight)
		case Signal:
			return r.signal(c, relays, span, shards)
		case Broadcast, BroadcastClosed:
			return workload.NewBroadcast(c.Lane, c.delivery, c.client, fan, shards)
		case Churn:
			return workload.NewChurn(c.Lane, c.delivery, span, shards, p.Lifetimes, p.greets())
		}
		return workload.NewHold(c.Lane, c.delivery)
	}, warm)
	if err != nil {
		return err
	}
	if fan != nil {
		if err := r.fleet.each(func(c *crew) { c.stage.(*workload.Broadcast).Begin() }); err != nil {
			return err
		}
	}
	var open []*phase
	// Lanes keep to the span by themselves: one may count in the window before
	// this goroutine has opened it. enter goes on with the next phase at a moment
	// and stays to its end.
	enter := func(ph *phase, from, to time.Duration) error {
		if err := r.until(from); err != nil {
			return err
		}
		r.begin(ph, from)
		open = append(open, ph)
		if err := r.count(ph); err != nil {
			return err
		}
		err := r.until(to)
		r.finish(ph, min(to, r.now())-from)
		return err
	}
	var why error
	if p.WarmUp > 0 {
		why = enter(warm, span.Start, span.Main)
	}
	if why == nil {
		why = enter(window, span.Main, span.End)
	}
	if why == nil && (w != Hold || life != (workload.Beats{})) {
		from := r.now()
		r.begin(drain, from)
		open = append(open, drain)
		why = errors.Join(r.count(drain), r.read(results.Peak))
		if why == nil {
			// A heartbeat has its own time, and fails by itself when that is over.
			why = r.finished(from + max(p.Drain, life.Timeout+drainGrace))
		}
		r.finish(drain, r.now()-from)
	} else if why == nil {
		why = r.read(results.Peak)
	}
	early := why
	why = errors.Join(why, r.settleAccounts(early))
	if purse != nil {
		window.settleMoney(purse, before, r.money())
	}
	if fan != nil {
		r.published = fan.Next()
		warm.Fanout.Busy, window.Fanout.Busy = fan.Busy(false), fan.Busy(true)
	}
	why = errors.Join(why, r.close(open...))
	if bare != nil && why == nil {
		why = r.bareFanout(bare)
		window.Fanout.Bare = bare.Result()
	}
	return why
}

// drainGrace is what lanes may take to notice that time is over.
const drainGrace = 100 * time.Millisecond

// beats is how connections show that they live during workload w.
func (r *runner) beats(w string) workload.Beats {
	p := r.plan
	if w != Hold || p.Heartbeat == 0 && p.Probe == 0 && p.Silence == 0 {
		return workload.Beats{}
	}
	b := workload.Beats{Every: p.Heartbeat, Probe: p.Probe, Silence: p.Silence, Seed: p.Lifetimes.Seed}
	if p.Heartbeat > 0 {
		b.Timeout = p.HeartbeatTimeout
	}
	return b
}

// openConns is how many connections each lane has.
func (r *runner) openConns() ([]int, error) {
	var counts []int
	err := r.fleet.each(func(c *crew) { counts = append(counts, c.Open()) })
	return counts, err
}
