package report

import (
	"strings"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/figure"
	"signalbench/compare/internal/stat"
	"signalbench/results"
)

// signaling draws the figures of the workloads that speak of rooms, storms and
// adversaries.
func signaling(s *digest.Suite) ([]*figure.Figure, error) {
	var list []*figure.Figure
	for _, draw := range []func() (*figure.Figure, error){
		func() (*figure.Figure, error) {
			return spectrum(s, "relayed", "Relay time",
				"A message to one peer of a room, from due to received by that peer, all repetitions together.", digest.SignalPart, results.MetricRelay)
		},
		func() (*figure.Figure, error) {
			return spectrum(s, "joined", "Join time",
				"From the moment a join was due to its reply, all repetitions together.", digest.SignalPart, results.MetricJoin)
		},
		func() (*figure.Figure, error) {
			return spectrum(s, "pushed", "Push time",
				"A message published to one connection, from due to received by it, all repetitions together.", digest.PushPart, results.MetricResponse)
		},
		func() (*figure.Figure, error) { return reached(s) },
		func() (*figure.Figure, error) { return deliveries(s) },
		func() (*figure.Figure, error) { return back(s) },
		func() (*figure.Figure, error) { return beside(s) },
	} {
		f, err := draw()
		if err != nil {
			return nil, err
		}
		if f != nil {
			list = append(list, f)
		}
	}
	return list, nil
}

// broadcasts are the parts that broadcast, with what a figure calls them.
var broadcasts = []struct {
	part digest.Part
	loop string
}{
	{digest.BroadcastClosedPart, "closed loop"},
	{digest.BroadcastPart, "open loop"},
}

// reached draws when broadcasts had reached the first, half, 99 % and all of
// their receivers.
func reached(s *digest.Suite) (*figure.Figure, error) {
	var rows []figure.Range
	for _, of := range broadcasts {
		for _, a := range s.Arms {
			r := figure.Range{Name: a.Name + ", " + of.loop}
			for _, m := range digest.DeliveryMetrics(of.part) {
				r.At = append(r.At, middle(a, of.part, m, 0.5))
			}
			rows = append(rows, r)
		}
	}
	return figure.Ranges("reached", "When a broadcast had reached its receivers",
		"The middle of all messages; in the closed loop from the sending, in the open one from the moment it was due.", "since the message was sent or due",
		[]string{"first receiver", "half of them", "99 %", "last receiver"}, rows)
}

// middle is a quantile of a metric of an arm, 0 if there is none.
func middle(a *digest.Arm, p digest.Part, metric string, q float64) time.Duration {
	d, _ := digest.QuantileOf(a.Merged(p, metric), q)
	return d
}

// deliveries draws the rate of deliveries beside the bare loop's.
func deliveries(s *digest.Suite) (*figure.Figure, error) {
	var pairs []figure.Pair
	for _, of := range broadcasts {
		for _, a := range s.Arms {
			rate := a.Summary(digest.Deliveries(of.part))
			if rate.N == 0 {
				continue
			}
			pair := figure.Pair{Name: a.Name + ", " + of.loop, Value: rate.Median}
			if bare := stat.Summarize(a.Values(digest.BareDeliveries(of.part))); bare.N > 0 {
				pair.Bare = bare.Median
			}
			pairs = append(pairs, pair)
		}
	}
	return figure.Pairs("deliveries", "Deliveries per second",
		"While at least one message was on its way; medians over the repetitions. Bare is a loop of write(2) over as many TCP connections, measured in the same runs.", "deliveries per second",
		"deliveries", "bare", pairs)
}

// back draws how connections came back after a storm.
func back(s *digest.Suite) (*figure.Figure, error) {
	var list []figure.Arrival
	var kinds []string
	for dash, p := range digest.Storms(s) {
		kinds = append(kinds, figure.DashName(dash)+" with backoff "+p.Waits())
		for colour, a := range s.Arms {
			after, share := a.Back(p)
			list = append(list, figure.Arrival{Name: a.Name, Colour: colour, Dash: dash, After: after, Share: share})
		}
	}
	return figure.Arrivals("back", "Connections back after all were lost",
		"Each from its own loss, all repetitions together; "+strings.Join(kinds, ", ")+".", "since the connection was lost", list)
}

// beside draws the p99 of healthy clients without and beside adversaries.
func beside(s *digest.Suite) (*figure.Figure, error) {
	var rows []figure.Range
	for _, p := range digest.HealthyParts() {
		for _, a := range s.Arms {
			metric := digest.Healthy(p)
			if with := middle(a, p.WithAdversaries(), metric, 0.99); with > 0 {
				rows = append(rows, figure.Range{Name: a.Name + ", " + p.Workload, At: []time.Duration{middle(a, p, metric, 0.99), with}})
			}
		}
	}
	return figure.Ranges("beside", "Healthy clients beside adversaries", "p99 of the workload's own clients, all repetitions together.", "p99",
		[]string{"without adversaries", "with"}, rows)
}
