package service

import (
	"signalbench/server/channel"
	"signalbench/server/gate"
	"signalbench/server/hongbao"
	"signalbench/server/hub"
)

// Stats are what a [Service] has done so far and holds now.
type Stats struct {
	Rooms    hub.Stats     `json:"rooms"`
	Channels channel.Stats `json:"channels"`
	Gate     gate.Stats    `json:"gate"`
	Hongbao  hongbao.Stats `json:"hongbao"`
}

// Stats reads all counters, which go on meanwhile.
func (s *Service) Stats() Stats {
	return Stats{Rooms: s.cfg.Rooms.Stats(), Channels: s.cfg.Channels.Stats(), Gate: s.cfg.Gate.Stats(), Hongbao: s.cfg.Hongbao.Stats()}
}

// Add adds those of another process. Rooms and channels of the same name in two
// processes are two.
func (s *Stats) Add(o Stats) {
	s.Rooms.Rooms += o.Rooms.Rooms
	s.Rooms.Members += o.Rooms.Members
	s.Rooms.Relayed += o.Rooms.Relayed
	s.Rooms.Broadcasts += o.Rooms.Broadcasts
	s.Rooms.Deliveries += o.Rooms.Deliveries
	s.Rooms.Slow += o.Rooms.Slow
	s.Rooms.Unread += o.Rooms.Unread
	refused := make(map[string]uint64, len(o.Rooms.Refused))
	for _, counted := range []map[string]uint64{s.Rooms.Refused, o.Rooms.Refused} {
		for reason, n := range counted {
			refused[reason] += n
		}
	}
	s.Rooms.Refused = refused
	s.Channels.Add(o.Channels)
	s.Gate.Add(o.Gate)
	s.Hongbao.Add(o.Hongbao)
}
