package hub

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"signalbench/server/phoenix"
)

// ErrBusy is why a room takes no further broadcast for the moment: too much waits
// for its members (Config.QueueLen, QueueBytes).
var ErrBusy = errors.New("room is busy")

// Broadcast publishes a message to all members of the room of a topic and says how
// many there are, 0 if there is no such room. payload is JSON and stays the
// caller's. The error is ErrBusy, or says what is wrong with an argument.
func (h *Hub) Broadcast(topic, event string, payload []byte) (receivers int, err error) {
	m := phoenix.Message{Topic: []byte(topic), Event: []byte(event), Payload: payload}
	if !h.roomTopic(m.Topic) {
		return 0, fmt.Errorf("broadcasting: topic %q is not %sNAME", topic, h.cfg.TopicPrefix)
	}
	if reserved(m.Event) {
		return 0, fmt.Errorf("broadcasting: event %q is reserved", event)
	}
	// Nor has an engine looked at this: a client ends the connection on which text
	// comes that is not UTF-8.
	if !utf8.ValidString(topic) || !utf8.ValidString(event) || !utf8.Valid(payload) {
		return 0, errors.New("broadcasting: topic, event or payload is not UTF-8")
	}
	// What clients are to decode is held to the same limits as what they send.
	out := phoenix.Append(nil, phoenix.V2, &m)
	var check phoenix.Message
	if err := check.Decode(phoenix.V2, false, out); err != nil {
		return 0, fmt.Errorf("broadcasting: %w", err)
	}
	if !bytes.Equal(check.Payload, bytes.TrimSpace(payload)) {
		return 0, errors.New("broadcasting: payload is not one JSON value")
	}
	r := h.lookup(m.Topic)
	if r == nil {
		return 0, nil
	}
	receivers, ok := r.publish(&draft{topic: m.Topic, event: m.Event, payload: check.Payload, slow: h.cfg.SlowBroadcast, out: new([]byte)})
	if !ok {
		return 0, ErrBusy
	}
	return receivers, nil
}

// publish queues a broadcast and delivers it or has it delivered. It says for how
// many it is, and false if the room is too busy.
func (r *room) publish(d *draft) (receivers int, ok bool) {
	r.mu.Lock()
	speakers, alone := r.speakers, r.count == 1 && d.except != nil
	r.mu.Unlock()
	if alone {
		return 0, true
	}
	n := d.note(speakers)
	r.mu.Lock()
	d.encode(n, r.speakers) // a version that nobody spoke before
	receivers = r.count
	if d.binary {
		receivers = r.speakers[phoenix.V2-1]
		r.shard.count.unread.Add(uint64(r.speakers[phoenix.V1-1]))
	}
	if d.except != nil {
		receivers--
	}
	ok = r.enqueue(n)
	w := r.wake()
	r.mu.Unlock()
	w.run()
	return receivers, ok
}

// enqueue adds a note for all branches, unless too much waits already. The room's
// lock is held.
func (r *room) enqueue(n *note) bool {
	q := &r.queue
	if r.hub.cfg.QueueLen <= len(q.notes) || r.hub.cfg.QueueBytes <= q.bytes {
		return false
	}
	if r.count > 0 {
		n.left = 1 + len(r.homes)
		q.add(n)
		r.shard.count.broadcasts.Add(1)
	}
	return true
}
