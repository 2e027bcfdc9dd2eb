package digest

import (
	"strings"

	"signalbench/results"
)

// A Part is the stretch of a run that a figure is about: the ramp, or a
// measurement window.
type Part struct {
	Kind     results.PhaseKind
	Workload string // empty for the ramp
	Closed   bool   // broadcast in a closed loop, which has the same workload here
	Beside   bool   // there were adversaries beside the healthy clients
	Backoff  string // of a storm: how clients waited before they dialled again
}

// The parts of a run. Storms are listed by [Storms].
var (
	RampPart            = Part{Kind: results.Ramp}
	EchoPart            = Part{Kind: results.Window, Workload: results.WorkloadEcho}
	ClosedPart          = Part{Kind: results.Window, Workload: results.WorkloadEchoClosed}
	ChurnPart           = Part{Kind: results.Window, Workload: results.WorkloadChurn}
	HoldPart            = Part{Kind: results.Window, Workload: results.WorkloadHold}
	SignalPart          = Part{Kind: results.Window, Workload: results.WorkloadSignal}
	BroadcastPart       = Part{Kind: results.Window, Workload: results.WorkloadBroadcast}
	BroadcastClosedPart = Part{Kind: results.Window, Workload: results.WorkloadBroadcast, Closed: true}
	HongbaoPart         = Part{Kind: results.Window, Workload: results.WorkloadHongbao}
	PushPart            = Part{Kind: results.Window, Workload: results.WorkloadPush}
	ClosePart           = Part{Kind: results.Teardown}
)

// WithAdversaries is the same part with adversaries beside it.
func (p Part) WithAdversaries() Part {
	p.Beside = true
	return p
}

// partOf is the part that a phase belongs to.
func partOf(phase *results.Phase) Part {
	p := Part{Kind: phase.Kind}
	if phase.Kind == results.Ramp {
		return p // one, however many plateaus it has
	}
	p.Workload = phase.Workload
	if p.Workload == results.WorkloadBroadcast || p.Workload == results.WorkloadBroadcastClosed {
		p.Workload, p.Closed = results.WorkloadBroadcast, phase.Model == results.ClosedLoop
	}
	p.Beside = len(phase.Adversaries) > 0
	if phase.Storm != nil {
		p.Backoff = phase.Storm.Backoff
	}
	return p
}

// Waits says how clients of a storm wait, and whether there were adversaries: "none",
// "100ms..10s beside adversaries".
func (p Part) Waits() string {
	if p.Beside {
		return p.Backoff + " beside adversaries"
	}
	return p.Backoff
}

// Storms lists the storms of suites, in the order in which they come.
func Storms(suites ...*Suite) []Part {
	var list []Part
	seen := map[Part]bool{}
	for _, s := range suites {
		for _, a := range s.Arms {
			for _, r := range a.Runs {
				for i := range r.Run.Phases {
					phase := &r.Run.Phases[i]
					if p := partOf(phase); phase.Storm != nil && p.Kind == results.Window && !seen[p] {
						seen[p] = true
						list = append(list, p)
					}
				}
			}
		}
	}
	return list
}

// Window returns the last phase of a part, nil if there is none.
func (r *Run) Window(p Part) *results.Phase {
	list := r.Phases(p)
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// partKey begins the names of a part's quantities.
func partKey(p Part) string {
	if p.Kind == results.Ramp {
		return "ramp"
	}
	key := p.Workload
	if p.Closed {
		key += "-closed"
	}
	if p.Backoff != "" {
		key += "." + strings.Join(strings.Fields(p.Backoff), "-")
	}
	if p.Beside {
		key += ".adversaries"
	}
	return key
}

// partHead begins the heads of a part's quantities.
func partHead(p Part) string {
	head := p.Workload
	switch {
	case p.Kind == results.Ramp:
		return ""
	case p.Workload == results.WorkloadEchoClosed:
		head = "closed-loop"
	case p.Closed:
		head = "closed-loop " + p.Workload
	case p.Backoff != "":
		head += " (" + p.Backoff + ")"
	}
	if p.Beside {
		head += " beside adversaries:"
	}
	return head + " "
}
