package results

// PerSession is how many messages one session of a whole swarm relays: an offer and
// an answer for each contact, and the candidates of both sides.
func (s *Signal) PerSession() int { return s.Contacts * (2 + 2*s.Candidates) }

// counted lists what is counted beside the sessions.
func (s *Signal) counted() [3]struct {
	what string
	ops  *Ops
} {
	return [3]struct {
		what string
		ops  *Ops
	}{{"joins", &s.Joins}, {"relays", &s.Relays}, {"notices", &s.Notices}}
}

// signal checks the books of sessions: everything that one is made of is accounted
// for, and delivered once.
func (j *judge) signal(p *Phase) {
	s := p.Signal
	for _, c := range s.counted() {
		j.books(c.what+": ", c.ops)
		if p.Kind == Window {
			j.loss(CheckLoss, c.what, "dropped: they were due and never sent", c.ops.Dropped, c.ops.Scheduled)
			j.loss(CheckLoss, c.what, "failed", c.ops.Failed, c.ops.Scheduled)
		}
	}
	if j.run.Partial {
		return
	}
	sent := p.Ops.Completed + p.Ops.Failed
	if s.Joins.Scheduled != sent {
		j.find(Fatal, CheckAccounting, "joins: expected one for each of %d sessions that were begun, found %d", sent, s.Joins.Scheduled)
	}
	j.share("relays", s.Relays.Scheduled, s.PerSession(), p)
	j.share("notices", s.Notices.Scheduled, s.Size-1, p)
	if s.Answers > s.Relays.Completed || s.Told > s.Joins.Scheduled {
		j.find(Fatal, CheckAccounting, "expected at most one answer for each of %d relays and news of each of %d joins, found %d answers and news of %d joins",
			s.Relays.Completed, s.Joins.Scheduled, s.Answers, s.Told)
	}
}

// share checks that there are so many of something for each session: never more, and
// not less if all sessions were completed, in swarms that were whole.
func (j *judge) share(what string, n uint64, each int, p *Phase) {
	s := p.Signal
	most := (p.Ops.Completed + p.Ops.Failed) * uint64(max(each, 0))
	whole := p.Ops.Failed == 0 && s.Size > 0 && j.run.Spec.Conns%s.Size == 0
	for _, q := range j.run.Phases {
		whole = whole && q.Dials.Lost == 0 && q.Dials.Failed+q.Dials.Dropped == 0
	}
	if n > most || whole && n != most {
		j.find(Fatal, CheckAccounting, "%s: expected %d sessions with %d each to be %d, found %d scheduled", what, p.Ops.Completed+p.Ops.Failed, each, most, n)
	}
}

// signalSpans is how many values the histograms of sessions may hold.
func signalSpans(p *Phase, want map[string]span) {
	s := p.Signal
	for name, n := range map[string]uint64{
		MetricJoin: s.Joins.Completed, MetricRelay: s.Relays.Completed, MetricAnswer: s.Answers, MetricPresence: s.Told,
	} {
		want[name] = span{n, n}
	}
}
