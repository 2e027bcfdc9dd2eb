package results

// storm checks that a storm was one, and that every connection came back. A client
// that is away for longer than the limit is away for good as far as the run knows,
// so there is no allowance. Dials that failed and were tried again are a true
// statement about the server, and no fault.
func (j *judge) storm(p *Phase) {
	s := p.Storm
	if s == nil || j.run.Partial {
		return
	}
	d := &p.Dials
	if s.Attempts != d.Scheduled-d.Dropped {
		j.find(Fatal, CheckAccounting, "expected as many attempts as dials, found %d and %d", s.Attempts, d.Scheduled-d.Dropped)
	}
	switch {
	case s.Open == 0:
		j.find(Fatal, CheckStorm, "expected connections that could be lost, none was open")
	case s.Lost < s.Open:
		j.find(Fatal, CheckStorm, "expected all %d connections to be lost by %s within %v, %d were not", s.Open, s.By, j.run.Spec.StormLimit, s.Open-s.Lost)
	case s.Back < s.Lost:
		j.find(Fatal, CheckStorm, "expected all %d connections that were lost by %s to be back within %v, %d were not (%s)", s.Lost, s.By, j.run.Spec.StormLimit, s.Lost-s.Back, firstCause(s.Failures))
	case len(s.Failures) > 0:
		j.find(Note, CheckStorm, "%d of %d attempts failed and were tried again (%s)", sumCauses(s.Failures), s.Attempts, firstCause(s.Failures))
	}
}

// adversaries warns of bad clients that never came to be: the phase then shows what
// their refusal costs, and not what they do.
func (j *judge) adversaries(p *Phase) {
	for _, a := range p.Adversaries {
		if a.Opened == 0 {
			j.find(Warning, CheckAdversaries, "none of the %d adversaries of kind %s ever connected (%s)", a.Count, a.Kind, firstCause(a.Causes))
		}
	}
}
