package hub

import (
	"hash/maphash"
	"sync"

	"signalbench/server/namemap"
)

const shardCount = 64

// A shard is a part of all rooms, by their names.
type shard struct {
	hub   *Hub
	mu    sync.Mutex
	rooms namemap.Map[*room]
	_     [64]byte
	count counts
}

func (h *Hub) shard(topic []byte) *shard {
	return &h.shards[maphash.Bytes(h.seed, topic)%shardCount]
}

// acquire returns the room of a topic, a new one if there is none. It stays until
// release was called as often.
func (h *Hub) acquire(topic []byte) *room {
	s := h.shard(topic)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms.Get(string(topic))
	if r == nil {
		r = newRoom(s, string(topic))
		s.rooms.Set(r.topic, r)
	}
	r.users++
	return r
}

// release ends one acquire. With the last one the room is gone.
func (s *shard) release(r *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.users--; r.users == 0 {
		s.rooms.Delete(r.topic)
	}
}

// lookup returns the room of a topic, nil if there is none.
func (h *Hub) lookup(topic []byte) *room {
	s := h.shard(topic)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rooms.Get(string(topic))
}
