package digest

import (
	"time"

	"signalbench/results"
)

// phaseQuantity is a figure of the last phase of a part; ok is false where the
// phase has none.
func phaseQuantity(p Part, name, head string, unit Unit, higherBetter bool, of func(*results.Phase) (value float64, ok bool)) Quantity {
	return Quantity{
		Name: partKey(p) + "." + name, Head: partHead(p) + head, Unit: unit, HigherBetter: higherBetter,
		of: func(r *Run) (float64, bool) {
			if phase := r.Window(p); phase != nil {
				return of(phase)
			}
			return 0, false
		},
	}
}

// PeakRSS is the most memory that the server's processes had resident in a part.
func PeakRSS(p Part) Quantity {
	return phaseQuantity(p, "peak-rss.server", "server peak RSS", Bytes, false, func(phase *results.Phase) (float64, bool) {
		return float64(phase.Server.PeakRSS), phase.Server.Known && phase.Server.PeakRSS > 0
	})
}

// ClientCores is how many processors the load generator kept busy in a part.
func ClientCores(p Part) Quantity {
	return phaseQuantity(p, "cores.client", "load generator, processors busy", Cores, false, func(phase *results.Phase) (float64, bool) {
		return float64(phase.Client.User+phase.Client.System) / float64(phase.Length), phase.Client.Known && phase.Length > 0
	})
}

// Relays is how many messages to one peer arrived in a second.
func Relays(p Part) Quantity {
	q := phaseQuantity(p, "relays", "relayed messages", PerSecond, true, func(phase *results.Phase) (float64, bool) {
		if phase.Signal == nil || phase.Length <= 0 {
			return 0, false
		}
		return float64(phase.Signal.Relays.Completed) / phase.Length.Seconds(), true
	})
	q.asked = func(r *Run) (float64, bool) { return r.Spec.Rate, r.Window(p) != nil && r.Spec.Rate > 0 }
	return q
}

// RelayCPU is the CPU time of the server per relayed message; what joins and
// presence took is in it.
func RelayCPU(p Part) Quantity {
	return phaseQuantity(p, "relay-cpu.server", "server CPU per relayed message", NsPerMessage, false, func(phase *results.Phase) (float64, bool) {
		if phase.Signal == nil || phase.Signal.Relays.Completed == 0 || !phase.Server.Known {
			return 0, false
		}
		return float64(phase.Server.User+phase.Server.System) / float64(phase.Signal.Relays.Completed), true
	})
}

func relayQuantities() []Quantity {
	p := SignalPart
	return []Quantity{
		Relays(p),
		Quantile(p, results.MetricJoin, 0.5), Quantile(p, results.MetricJoin, 0.99),
		Quantile(p, results.MetricRelay, 0.5), Quantile(p, results.MetricRelay, 0.99), Quantile(p, results.MetricRelay, 0.999),
		Quantile(p, results.MetricAnswer, 0.99), Quantile(p, results.MetricPresence, 0.99),
		RelayCPU(p), ClientCores(p),
	}
}

// pushQuantities are those of messages that are published to one connection each.
func pushQuantities() []Quantity {
	p := PushPart
	list := []Quantity{Throughput(p)}
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		list = append(list, Quantile(p, results.MetricResponse, q))
	}
	return append(list, Quantile(p, results.MetricService, 0.5), Quantile(p, results.MetricService, 0.99), ServerCPU(p), ClientCores(p))
}

// Deliveries is how many messages receivers had in a second of the time in which
// at least one was on its way.
func Deliveries(p Part) Quantity {
	return phaseQuantity(p, "deliveries", "deliveries", PerSecond, true, func(phase *results.Phase) (float64, bool) {
		if phase.Fanout == nil || phase.Fanout.PerSecond <= 0 {
			return 0, false
		}
		return phase.Fanout.PerSecond, true
	})
}

// DeliveriesOfBare is Deliveries as a ratio to a bare loop of write(2) in the
// same run.
func DeliveriesOfBare(p Part) Quantity {
	return phaseQuantity(p, "of-bare", "deliveries of bare", Ratio, true, func(phase *results.Phase) (float64, bool) {
		if f := phase.Fanout; f != nil && f.Bare != nil && f.Bare.PerSecond > 0 {
			return f.PerSecond / f.Bare.PerSecond, true
		}
		return 0, false
	})
}

// BareDeliveries is what Deliveries is compared with.
func BareDeliveries(p Part) Quantity {
	return phaseQuantity(p, "bare", "bare deliveries", PerSecond, true, func(phase *results.Phase) (float64, bool) {
		if f := phase.Fanout; f != nil && f.Bare != nil {
			return f.Bare.PerSecond, true
		}
		return 0, false
	})
}

// DeliveriesPerCore is how many deliveries the server makes in a second of its
// own CPU time.
func DeliveriesPerCore(p Part) Quantity {
	return phaseQuantity(p, "deliveries-per-core", "deliveries per second of server CPU", PerCoreSec, true, func(phase *results.Phase) (float64, bool) {
		cpu := phase.Server.User + phase.Server.System
		if phase.Fanout == nil || !phase.Server.Known || cpu <= 0 {
			return 0, false
		}
		return float64(phase.Fanout.Deliveries.Completed) / cpu.Seconds(), true
	})
}

// LastDelivery is the metric that says when the last receiver of a broadcast had
// it, which completes the operation.
func LastDelivery(p Part) string {
	if p.Closed {
		return results.MetricService
	}
	return results.MetricResponse
}

// DeliveryMetrics are the moments at which a broadcast has reached its first
// receiver, half of them, 99 % and the last.
func DeliveryMetrics(p Part) []string {
	return []string{results.MetricFirst, results.MetricMedian, results.MetricP99, LastDelivery(p)}
}

func fanoutQuantities() []Quantity {
	var list []Quantity
	for _, p := range []Part{BroadcastClosedPart, BroadcastPart} {
		list = append(list, Deliveries(p), DeliveriesOfBare(p), DeliveriesPerCore(p), ClientCores(p))
		for _, m := range DeliveryMetrics(p) {
			for _, q := range []float64{0.5, 0.9} { // broadcasts are few
				of := Quantile(p, m, q)
				if m == LastDelivery(p) {
					of.Head = partHead(p) + "last delivery " + QuantileName(q)
				}
				list = append(list, of)
			}
		}
		list = append(list, Quantile(p, results.MetricDelivery, 0.99))
	}
	return list
}

// Recovery is the time from the first loss of a storm until all were back.
func Recovery(p Part) Quantity {
	return ofStorm(p, "all-back", "all back after", Nanoseconds, false, func(s *results.Storm) (float64, bool) {
		return float64(s.Recovery), s.Recovery > 0
	})
}

// PeakDials is the most dials that clients began in one second of a storm.
func PeakDials(p Part) Quantity {
	return ofStorm(p, "peak-dials", "most dials in a second", PerSecond, false, func(s *results.Storm) (float64, bool) {
		return s.PeakDials, true
	})
}

// PeakBack is the most connections that came back in one second of a storm.
func PeakBack(p Part) Quantity {
	return ofStorm(p, "peak-back", "most back in a second", PerSecond, true, func(s *results.Storm) (float64, bool) {
		return s.PeakBack, true
	})
}

// Attempts is how many were made for each connection that was lost.
func Attempts(p Part) Quantity {
	return ofStorm(p, "attempts", "attempts per lost connection", Ratio, false, func(s *results.Storm) (float64, bool) {
		return float64(s.Attempts) / float64(s.Lost), s.Lost > 0
	})
}

func ofStorm(p Part, name, head string, unit Unit, higherBetter bool, of func(*results.Storm) (float64, bool)) Quantity {
	return phaseQuantity(p, name, head, unit, higherBetter, func(phase *results.Phase) (float64, bool) {
		if phase.Storm == nil {
			return 0, false
		}
		return of(phase.Storm)
	})
}

func stormQuantities(p Part) []Quantity {
	return []Quantity{
		Recovery(p), Quantile(p, results.MetricRecovery, 0.5), Quantile(p, results.MetricRecovery, 0.99),
		PeakDials(p), PeakBack(p), Attempts(p),
		ofStorm(p, "failed", "attempts failed", Count, false, func(s *results.Storm) (float64, bool) {
			sum := 0.0
			for _, n := range s.Failures {
				sum += float64(n)
			}
			return sum, true
		}),
		PeakRSS(p),
	}
}

// Healthy is the metric that says how the clients of a part fare beside which
// there may be adversaries; empty for parts without one.
func Healthy(p Part) string {
	switch p.Workload {
	case results.WorkloadEcho, results.WorkloadHold, results.WorkloadPush:
		return results.MetricResponse
	case results.WorkloadEchoClosed:
		return results.MetricService
	case results.WorkloadSignal:
		return results.MetricRelay
	case results.WorkloadBroadcast:
		return results.MetricDelivery
	case results.WorkloadChurn:
		return results.MetricDial
	}
	return ""
}

// HealthyParts are the parts beside which there may be adversaries.
func HealthyParts() []Part {
	return []Part{HoldPart, EchoPart, ClosedPart, ChurnPart, SignalPart, BroadcastClosedPart, BroadcastPart, PushPart}
}

// Suffering is the p99 of healthy clients beside adversaries as a ratio to that
// without them.
func Suffering(p Part) Quantity {
	without, with := Quantile(p, Healthy(p), 0.99), Quantile(p.WithAdversaries(), Healthy(p), 0.99)
	return Quantity{
		Name: partKey(p) + ".adversaries.ratio", Head: partHead(p) + Healthy(p) + " p99 beside adversaries, of that without", Unit: Ratio,
		of: func(r *Run) (float64, bool) {
			a, ok := without.of(r)
			b, both := with.of(r)
			if !ok || !both || a <= 0 {
				return 0, false
			}
			return b / a, true
		},
	}
}

func adversaryQuantities() []Quantity {
	var list []Quantity
	for _, p := range HealthyParts() {
		list = append(list, Quantile(p.WithAdversaries(), Healthy(p), 0.99), Suffering(p), PeakRSS(p.WithAdversaries()))
	}
	return list
}

// Back says when the connections of a storm were back, over all counted runs of
// the arm: after each of the times, what share of those that were lost.
func (a *Arm) Back(p Part) (after []time.Duration, share []float64) {
	h := a.Merged(p, results.MetricRecovery)
	var lost uint64
	for _, r := range a.Counted() {
		if phase := r.Window(p); phase != nil && phase.Storm != nil {
			lost += phase.Storm.Lost
		}
	}
	if h == nil || lost == 0 {
		return nil, nil
	}
	for i := range backSteps {
		q := float64(i) / (backSteps - 1)
		after = append(after, h.Quantile(q))
		share = append(share, q*float64(h.Count())/float64(lost))
	}
	return after, share
}

// backSteps is into how many steps the return of connections is divided.
const backSteps = 201
