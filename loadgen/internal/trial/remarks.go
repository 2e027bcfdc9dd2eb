package trial

import "signalbench/results"

// odd adds findings about what a phase counted and the schema has no column for.
func (r *runner) odd(p *phase) {
	for _, o := range []struct {
		n    uint64
		text string
	}{
		{p.total.Unexpected, "%d messages came that answer nothing that was sent; they are in no count"},
		{p.total.Stale, "%d answers came after the end of the drain of their own phase, where they are counted as missing"},
		{p.total.Untracked, "%d messages were counted as missing because too many were overtaken at once to tell reordered ones apart"},
	} {
		if o.n > 0 {
			r.find(results.Warning, results.CheckDelivery, p.Name, o.text, o.n)
		}
	}
}

// remarks adds what a reader should know about how the run was made.
func (r *runner) remarks() {
	if r.plan.ServerPID == 0 && r.plan.Admin == "" {
		r.find(results.Note, results.CheckLedger, "", "neither --server-pid nor --admin was given: the ledger has the generator's and the kernel's memory, and not the server's")
	}
	if r.plan.Target.TLS {
		r.find(results.Note, "tls", "", "TLS costs the generator several KB for each connection (crypto/tls), so its own memory says little here; a handshake of TLS holds its event loop while it computes")
	}
}
