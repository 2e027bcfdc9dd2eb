package hub

import "sync/atomic"

// A Refusal is why a message was answered with an error; its text is the reason in
// the reply.
type Refusal uint8

// The refusals.
const (
	UnmatchedTopic Refusal = iota // no room of that name can be, or it is not joined
	Unauthorized                  // the admission does not allow the topic
	TooManyRooms                  // Config.RoomsPerConn
	RoomFull                      // Config.PeersPerRoom
	RoomBusy                      // Config.QueueLen, QueueBytes
	RateLimit                     // the admission does not allow a further message now
	UnknownPeer                   // "to" is nobody in the room
	NoReceiver                    // a relay without "to"
	ReservedEvent                 // an event of the server's own
	BadPayload                    // not what the event takes; the reason says more
	MetaTooLarge                  // Config.MaxMeta
	NotAPush                      // a binary message of a kind that servers send
	SlowPeer                      // the outbox of the receiver of a relay is full
	refusals
)

var reasons = [refusals]string{
	"unmatched topic", "unauthorized", "too many rooms", "room is full", "room is busy", "rate limit",
	"unknown peer", "to is missing", "event is reserved", "bad payload", "user and meta are too large", "binary message is not a push",
	"peer is slow",
}

// String returns the reason.
func (r Refusal) String() string { return reasons[r] }

// A counter has a cache line of its own.
type counter struct {
	atomic.Uint64
	_ [56]byte
}

// counts are those of one shard's rooms.
type counts struct {
	members    atomic.Int64
	relayed    atomic.Uint64
	broadcasts atomic.Uint64
	deliveries atomic.Uint64
	slow       atomic.Uint64
	unread     atomic.Uint64
	_          [16]byte
}

// Stats is what the hub has done so far and holds now.
type Stats struct {
	Rooms   int `json:"rooms"`
	Members int `json:"members"` // a connection counts once for each of its rooms
	// Relayed are messages to one peer, Broadcasts those to rooms, presence
	// included, and Deliveries how often broadcasts were sent to a member.
	Relayed    uint64 `json:"relayed"`
	Broadcasts uint64 `json:"broadcasts"`
	Deliveries uint64 `json:"deliveries"`
	// Slow counts relays, broadcasts and presence that met a full outbox: under
	// SlowDrop they were dropped, under SlowClose it ended the connection.
	Slow uint64 `json:"slow"`
	// Unread counts binary broadcasts for members of version 1, which has no binary
	// messages.
	Unread uint64 `json:"unread"`
	// Refused counts error replies by reason.
	Refused map[string]uint64 `json:"refused"`
}

// Stats sums up all counters, which go on meanwhile.
func (h *Hub) Stats() Stats {
	st := Stats{Refused: make(map[string]uint64, refusals)}
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		st.Rooms += s.rooms.Len()
		s.mu.Unlock()
		st.Members += int(s.count.members.Load())
		st.Relayed += s.count.relayed.Load()
		st.Broadcasts += s.count.broadcasts.Load()
		st.Deliveries += s.count.deliveries.Load()
		st.Slow += s.count.slow.Load()
		st.Unread += s.count.unread.Load()
	}
	for r := range refusals {
		st.Refused[r.String()] = h.refused[r].Load()
	}
	return st
}
