package channel

import "sync/atomic"

// Stats are the counters of [Channels] at one moment.
type Stats struct {
	Channels    int64  `json:"channels"`    // that somebody subscribes to
	Subscribers int64  `json:"subscribers"` // connections
	Published   uint64 `json:"published"`   // messages
	Delivered   uint64 `json:"delivered"`   // of these, to how many connections together
	Pings       uint64 `json:"pings"`       // empty messages sent
	Ignored     uint64 `json:"ignored"`     // messages that came from subscribers
}

// Add adds those of another process.
func (s *Stats) Add(o Stats) {
	s.Channels += o.Channels
	s.Subscribers += o.Subscribers
	s.Published += o.Published
	s.Delivered += o.Delivered
	s.Pings += o.Pings
	s.Ignored += o.Ignored
}

type counters struct {
	channels, subscribers                atomic.Int64
	published, delivered, pings, ignored atomic.Uint64
}

// Stats reads the counters one by one, so they may not agree to the last one.
func (c *Channels) Stats() Stats {
	n := &c.counters
	return Stats{
		Channels: n.channels.Load(), Subscribers: n.subscribers.Load(), Published: n.published.Load(),
		Delivered: n.delivered.Load(), Pings: n.pings.Load(), Ignored: n.ignored.Load(),
	}
}
