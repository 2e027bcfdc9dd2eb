package report

import (
	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/figure"
	"signalbench/results"
)

// timelines draws how runs went from their first second to their last: of each
// arm the first run that counts, since runs do not lie above each other.
func timelines(s *digest.Suite) ([]*figure.Figure, error) {
	var open, ramp []figure.Curve
	var list []*figure.Figure
	for _, a := range s.Arms {
		o, r := figure.Curve{Name: a.Name}, figure.Curve{Name: a.Name}
		if counted := a.Counted(); len(counted) > 0 {
			o.Points, r.Points = connections(counted[0].Series), upgrades(counted[0].Series)
		}
		open, ramp = append(open, o), append(ramp, r)
	}
	for _, draw := range []func() (*figure.Figure, error){
		func() (*figure.Figure, error) {
			return figure.Timeline("connections", "Connections open", "Each second, first repetition.", "connections", open)
		},
		func() (*figure.Figure, error) {
			return figure.Timeline("ramp", "Upgrades per second while connections are ramped up",
				"Each second that ends within the ramp, first repetition. It rests at each plateau while memory is read, and that time is in the seconds.", "upgrades per second", ramp)
		},
	} {
		f, err := draw()
		if err != nil {
			return nil, err
		}
		if f != nil {
			list = append(list, f)
		}
	}
	shakes, err := shaken(s)
	if err != nil {
		return nil, err
	}
	if shakes != nil {
		list = append(list, shakes)
	}
	for _, a := range s.Arms {
		counted := a.Counted()
		if len(counted) == 0 {
			continue
		}
		f, err := figure.Timeline(machineFigure+a.Name, "Where the memory went: "+a.Name,
			"Processes by the second; dashed, what was read of the machine at the plateaus and windows, over what it was before the first connection.", "MiB", machine(counted[0]))
		if err != nil {
			return nil, err
		}
		if f != nil {
			list = append(list, f)
		}
	}
	return list, nil
}

func connections(rows []results.SeriesRow) []figure.Point {
	var points []figure.Point
	for _, r := range rows {
		points = append(points, figure.Point{At: r.At, Value: float64(r.Connected)})
	}
	return points
}

// upgrades is how many connections came in each second of the ramp. What was lost
// in that second is missing in it.
func upgrades(rows []results.SeriesRow) []figure.Point {
	var points []figure.Point
	var before results.SeriesRow // the run's start
	for _, r := range rows {
		since := before
		before = r
		if r.Phase != string(results.Ramp) || r.At <= since.At {
			continue
		}
		points = append(points, figure.Point{At: r.At, Value: float64(max(r.Connected-since.Connected, 0)) / (r.At - since.At).Seconds()})
	}
	return points
}

// machine is the memory of both processes each second, and what the ledger read
// of the kernel. What is not known is -1, which no curve shows.
func machine(r *digest.Run) []figure.Curve {
	const mebi = 1 << 20
	server, client := figure.Curve{Name: "server RSS"}, figure.Curve{Name: "load generator RSS"}
	for _, row := range r.Series {
		server.Points = append(server.Points, figure.Point{At: row.At, Value: float64(row.ServerRSS) / mebi})
		client.Points = append(client.Points, figure.Point{At: row.At, Value: float64(row.ClientRSS) / mebi})
	}
	slab, free := figure.Curve{Name: "kernel slab, grown by", Marked: true}, figure.Curve{Name: "free memory, less by", Marked: true}
	if r.Ledger != nil && len(r.Ledger.Readings) > 0 && len(server.Points) > 0 {
		base := &r.Ledger.Readings[0]
		for i := range r.Ledger.Readings {
			reading := &r.Ledger.Readings[i]
			at := reading.At
			slab.Points = append(slab.Points, figure.Point{At: at, Value: max(slabs(reading)-slabs(base), 0) / mebi})
			free.Points = append(free.Points, figure.Point{At: at, Value: max(float64(base.Kernel.MemFree-reading.Kernel.MemFree), 0) / mebi})
		}
	}
	return []figure.Curve{server, client, slab, free}
}

// slabs is the pages of all slab caches, in bytes.
func slabs(r *results.Reading) float64 {
	var sum float64
	for _, c := range r.Kernel.Slab {
		sum += float64(c.Bytes)
	}
	return sum
}
