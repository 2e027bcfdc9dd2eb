package results

import (
	"math"
	"time"
)

// load checks that a window carried the load that it was asked to, and that the
// generator was on time.
func (j *judge) load(p *Phase) {
	if p.Length <= 0 || p.Ops.Scheduled == 0 {
		return
	}
	switch p.Model {
	case OpenLoop:
		j.offered(p)
		j.lag(p)
	case ClosedLoop:
		j.little(p)
	}
}

func (j *judge) offered(p *Phase) {
	secs := p.Length.Seconds()
	asked := p.Offered
	rate := j.run.Spec.Rate
	if s := p.Signal; s != nil && s.PerSession() > 0 {
		rate /= float64(s.PerSession()) // it is that of relayed messages
	}
	if rate > 0 && !held(p) && !near(asked, rate, j.Offered, 0) {
		j.find(Fatal, CheckOffered, "asked for %.1f/s, the phase was set to offer %.1f/s", rate, asked)
	}
	slack := float64(max(j.run.Spec.Lanes, 1)) / secs
	if got := float64(p.Ops.Scheduled) / secs; !j.run.Partial && !near(got, asked, j.Offered, slack) {
		j.find(Fatal, CheckOffered, "expected to offer %.1f/s within %.1f %%, offered %.1f/s (%+.2f %%)",
			asked, j.Offered*100, got, (got/asked-1)*100)
	}
	if p.Achieved < j.Achieved*asked {
		j.find(Warning, CheckAchieved, "offered %.1f/s, achieved %.1f/s (%.2f %%): expected at least %.0f %%, the server did not keep up and response times depend on the length of the window",
			asked, p.Achieved, p.Achieved/asked*100, j.Achieved*100)
	}
}

// little checks Little's law: the mean number in flight is throughput times the
// mean time in flight. It fails where answers are counted that were not
// measured, or where slots of the loop stood empty. What was sent just before the
// end of the window belongs to it with all the time that it took afterwards.
func (j *judge) little(p *Phase) {
	m, ok := p.Metric(MetricService)
	if !ok || m.Count == 0 || j.run.Spec.InFlight == 0 {
		return
	}
	asked := float64(j.run.Spec.InFlight)
	got := p.Achieved * m.Mean.Seconds()
	edge := float64(m.Mean) / float64(p.Length)
	if p.Fanout != nil { // few and long ones: one that crosses the beginning may be the longest
		edge = float64(j.longest(p.Workload, MetricService)) / float64(p.Length)
	}
	slack := asked * (edge + float64(j.LittleGap)/float64(max(m.Mean, 1)))
	if !near(got, asked, j.Little, slack) {
		j.find(Fatal, CheckLittle, "expected %d in flight within %.0f %%; throughput %.1f/s times mean service time %v is %.1f",
			j.run.Spec.InFlight, (j.Little+edge)*100, p.Achieved, rounded(m.Mean), got)
	}
}

// longest is the largest value of a metric in all phases of a workload.
func (j *judge) longest(workload, metric string) (most time.Duration) {
	for i := range j.run.Phases {
		if p := &j.run.Phases[i]; p.Workload == workload {
			m, _ := p.Metric(metric)
			most = max(most, m.Max)
		}
	}
	return most
}

func (j *judge) lag(p *Phase) {
	lag, ok := p.Metric(MetricLag)
	response, ok2 := p.Metric(MetricResponse)
	if !ok || !ok2 || response.Count == 0 {
		return
	}
	lag99 := lag.atMost(0.99)
	if lag99 > j.LagMax {
		j.find(Fatal, CheckLag, "expected the generator's lag p99 to be %v at most, found %v", j.LagMax, rounded(lag99))
		return
	}
	severe := Fatal
	if held(p) {
		severe = Warning // the claim is that all live; how soon they answer is beside it
	}
	for _, q := range []struct {
		name          string
		lag, response time.Duration
	}{{"p99", lag99, response.P99}, {"p50", lag.atMost(0.50), response.P50}} {
		share := float64(q.lag) / float64(q.response)
		switch {
		case q.lag > j.LagFloor && share > j.LagShare:
			j.find(severe, CheckLag, "expected the generator's lag %s to be %v or %.0f %% of the response time at most, found %v of %v (%.0f %%)",
				q.name, j.LagFloor, j.LagShare*100, rounded(q.lag), rounded(q.response), share*100)
			return
		case q.name == "p99" && q.lag > j.LagWarnFloor && share > j.LagWarn:
			j.find(Warning, CheckLag, "the generator's lag p99 is %v of a response time p99 of %v (%.0f %%); expected %v or %.0f %% at most",
				rounded(q.lag), rounded(q.response), share*100, j.LagWarnFloor, j.LagWarn*100)
		}
	}
}

// rounded keeps what a histogram of three digits and a reader can tell apart.
func rounded(d time.Duration) time.Duration {
	if d >= 10*time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// atMost is an upper bound of the q-quantile over all values, those below the
// range included: the next of the metric's own quantiles, at most Max.
func (m Metric) atMost(q float64) time.Duration {
	total := m.Count + m.Below + m.Above
	inRange, slack := q, 0.0 // where nothing is out of range, the metric's own quantile is that one
	if total > m.Count {
		rank := uint64(math.Ceil(q * float64(total)))
		if rank <= m.Below {
			return LowestValue
		}
		inRange = float64(rank-m.Below) / float64(max(m.Count, 1))
		slack = 0.5 / float64(max(m.Count, 1)) // the quantiles are rounded to whole values
	}
	for _, c := range []struct {
		q float64
		v time.Duration
	}{{0.50, m.P50}, {0.90, m.P90}, {0.99, m.P99}, {0.999, m.P999}, {0.9999, m.P9999}} {
		if inRange <= c.q+slack {
			return c.v
		}
	}
	return m.Max
}

// cpu checks that the generator had cores left, and the machine.
func (j *judge) cpu(p *Phase) {
	if p.Length <= 0 || !p.Client.Known || p.Model == NoLoad || p.Model == "" {
		return
	}
	lanes := max(j.run.Spec.Lanes, 1)
	if cores := j.run.Env.Cores; cores > 0 {
		lanes = min(lanes, cores)
	}
	full := Fatal
	if len(p.Adversaries) > 0 {
		full = Warning // theirs is in it; what it does to the healthy shows as lag
	}
	client := (p.Client.User + p.Client.System).Seconds() / p.Length.Seconds()
	share := client / float64(lanes)
	switch {
	case p.Model == ClosedLoop && share > j.ClientBusy:
		j.find(Note, CheckCPU, "the generator used %.2f of the %d cores of its lanes (%.0f %%): the throughput may be its own limit and not the server's",
			client, lanes, share*100)
	case p.Model == OpenLoop && share > j.ClientFull:
		j.find(full, CheckCPU, "expected the generator to use at most %.0f %% of the %d cores of its lanes, it used %.2f (%.0f %%)",
			j.ClientFull*100, lanes, client, share*100)
	case p.Model == OpenLoop && share > j.ClientBusy:
		j.find(Warning, CheckCPU, "the generator used %.2f of the %d cores of its lanes (%.0f %%); expected at most %.0f %%",
			client, lanes, share*100, j.ClientBusy*100)
	}
	if cores := j.run.Env.Cores; p.Model == OpenLoop && p.Server.Known && cores > 0 {
		server := (p.Server.User + p.Server.System).Seconds() / p.Length.Seconds()
		if all := (client + server) / float64(cores); all > j.MachineBusy {
			j.find(Warning, CheckCPU, "server and generator together used %.2f of %d cores (%.0f %%): each waited for the other; expected at most %.0f %%",
				client+server, cores, all*100, j.MachineBusy*100)
		}
	}
}
