package results

// pings checks that what a server of channels sent by itself has come, all of it and no
// more. A connection that was lost may take some with it, which is a finding of its own.
func (j *judge) pings() {
	p := j.run.Pings
	if p == nil || j.run.Partial {
		return
	}
	var lost uint64
	for i := range j.run.Phases {
		lost += j.run.Phases[i].Dials.Lost
	}
	if lost > 0 {
		return
	}
	if p.Received < p.Sent || p.Received > p.SentMost {
		j.find(Fatal, CheckPings, "expected the %d to %d empty messages that the server sent by itself, %d came", p.Sent, p.SentMost, p.Received)
	}
}
