package results

// hongbao checks that shakes came out one way each, and that money was conserved.
func (j *judge) hongbao(p *Phase) {
	h := p.Hongbao
	j.books("grabs: ", &h.Grabs)
	if p.Kind == Window {
		j.loss(CheckLoss, "grabs", "dropped: they were due and never sent", h.Grabs.Dropped, h.Grabs.Scheduled)
		j.loss(CheckLoss, "grabs", "failed", h.Grabs.Failed, h.Grabs.Scheduled)
	}
	if j.run.Partial {
		return
	}
	if sum := h.None + h.Got + h.Overload; sum != p.Ops.Completed {
		j.find(Fatal, CheckAccounting, "expected each of %d answered shakes to find none, an envelope or an overload, found %d + %d + %d = %d",
			p.Ops.Completed, h.None, h.Got, h.Overload, sum)
	}
	if h.Books != nil {
		j.money(h.Books)
	}
}

// money checks that every cent is where it should be.
func (j *judge) money(b *HongbaoBooks) {
	if b.Lost > 0 || b.Excess > 0 {
		j.find(Fatal, CheckMoney, "expected clients to get every cent once, found %d cents lost and %d given twice or beyond what there was, of %d",
			b.Lost, b.Excess, b.Sent)
	}
	if got := b.Received + b.Open + b.Lost; got != b.Sent+b.Excess {
		j.find(Fatal, CheckMoney, "expected %d cents sent and %d in excess to be received, open or lost, found %d + %d + %d = %d",
			b.Sent, b.Excess, b.Received, b.Open, b.Lost, got)
	}
	if b.Open > 0 {
		j.find(Warning, CheckMoney, "%d of %d cents were in gifts that not all users had grabbed by the end of the drain", b.Open, b.Sent)
	}
	if b.Untracked > 0 {
		j.find(Warning, CheckMoney, "%d envelopes and gifts were too many to see whether one came twice", b.Untracked)
	}
	s := b.Server
	if s == nil {
		j.find(Note, CheckMoney, "what the server gave is not known, as it has no admin listener that tells: it is not held against what clients received")
		return
	}
	if s.Given != b.Received {
		j.find(Fatal, CheckMoney, "expected clients to receive the %d cents that the server gave, they received %d", s.Given, b.Received)
	}
	if s.Entered+s.Before != s.Given+s.Returned+s.After {
		j.find(Fatal, CheckMoney, "expected the server to have %d cents that waited and %d that entered, found %d given, %d taken back and %d waiting",
			s.Before, s.Entered, s.Given, s.Returned, s.After)
	}
}
