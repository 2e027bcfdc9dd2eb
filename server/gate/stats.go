package gate

import "sync/atomic"

// Stats are the counters of a [Gate] at one moment.
type Stats struct {
	Addresses int    `json:"addresses"`        // known now
	Tokens    uint64 `json:"refused_tokens"`   // handshakes without a valid token, or for what it does not allow
	Conns     uint64 `json:"refused_conns"`    // handshakes of addresses with too many connections
	Upgrades  uint64 `json:"refused_upgrades"` // handshakes over an address's rate
	Messages  uint64 `json:"refused_messages"` // messages over an address's rate
}

// Add adds those of another process. An address that both know counts twice.
func (s *Stats) Add(o Stats) {
	s.Addresses += o.Addresses
	s.Tokens += o.Tokens
	s.Conns += o.Conns
	s.Upgrades += o.Upgrades
	s.Messages += o.Messages
}

type refused struct{ tokens, conns, upgrades, messages atomic.Uint64 }

// Stats reads the counters one by one. It is zero for nil.
func (g *Gate) Stats() Stats {
	if g == nil {
		return Stats{}
	}
	s := Stats{Tokens: g.refused.tokens.Load(), Conns: g.refused.conns.Load(), Upgrades: g.refused.upgrades.Load(), Messages: g.refused.messages.Load()}
	if g.table != nil {
		s.Addresses = g.table.size()
	}
	return s
}
