package results

import (
	"cmp"
	"maps"
	"slices"
)

// workloadHold is what Phase.Workload says where connections are held.
const workloadHold = "hold"

func held(p *Phase) bool { return p.Workload == workloadHold }

// held checks that all connections that are held live. A run that claims N
// connections has no allowance for one that is lost or does not answer: it was
// not N.
func (j *judge) held(p *Phase) {
	if n := p.Dials.Lost; n > 0 {
		j.find(Fatal, CheckHeld, "%d of %d connections died while they were held (%s); expected none", n, j.run.Spec.Conns, firstCause(p.Dials.Causes))
	}
	j.books("probes: ", &p.Probes)
	for _, o := range []struct {
		what string
		*Ops
	}{{"heartbeats", &p.Ops}, {"probes", &p.Probes}} {
		if o.Failed+o.Dropped > o.Causes[CauseStopped] { // the end of a partial run is no fault of its own
			j.find(Fatal, CheckHeld, "%d of %d %s were not answered and %d were not sent (%s); expected all", o.Failed, o.Scheduled, o.what, o.Dropped, firstCause(o.Causes))
		}
	}
	if p.Kind != Window || j.run.Partial {
		return
	}
	every := j.run.Spec.Heartbeat
	switch {
	case every > 0 && p.Ops.Completed == 0:
		j.find(Fatal, CheckCompleted, "expected heartbeats in %v, none was answered", rounded(p.Length))
	case every > p.Length:
		j.find(Note, CheckHeld, "a window of %v is shorter than the heartbeat of %v: %d of %d connections were asked whether they live", rounded(p.Length), every, p.Ops.Scheduled, j.run.Spec.Conns)
	}
}

// firstCause names the most frequent of causes.
func firstCause(causes map[Cause]uint64) Cause {
	list := slices.SortedFunc(maps.Keys(causes), func(x, y Cause) int {
		return cmp.Or(cmp.Compare(causes[y], causes[x]), cmp.Compare(x, y))
	})
	if len(list) == 0 {
		return "no cause"
	}
	return list[0]
}
