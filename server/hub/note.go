package hub

import (
	"signalbench/server/engine"
	"signalbench/server/frame"
	"signalbench/server/phoenix"
)

// A note is a message for the members of a room.
type note struct {
	frames [2]*engine.Prepared // by version; nil where nobody speaks it, or it has no such message
	kind   kind
	size   int         // bytes of the larger one
	left   int         // branches that have not delivered it; guarded by the room's lock
	except *membership // who does not get it, nil for nobody
}

// A kind says which members a note is for.
type kind uint8

const (
	forAll     kind = iota
	forPresent      // those in presence
	forStale        // those in presence that have lost some of it
)

// to reports whether m is one of those. Its chunk's lock is held.
func (n *note) to(m *membership) bool {
	switch n.kind {
	case forPresent:
		return m.is(present) && !m.stale
	case forStale:
		return m.stale
	}
	return true
}

// A draft is what a note is made of.
type draft struct {
	topic, event, payload []byte
	binary                bool
	kind                  kind
	slow                  engine.SlowPolicy
	except                *membership
	out                   *[]byte // memory to encode in
}

// note encodes the draft for the versions that are spoken.
func (d *draft) note(speakers [2]int) *note {
	n := &note{kind: d.kind, except: d.except}
	d.encode(n, speakers)
	return n
}

// encode adds to n the versions that it lacks.
func (d *draft) encode(n *note, speakers [2]int) {
	m := phoenix.Message{Topic: d.topic, Event: d.event, Payload: d.payload}
	for i, some := range speakers {
		v := phoenix.Version(i + 1)
		if some == 0 || n.frames[i] != nil || d.binary && v == phoenix.V1 {
			continue
		}
		op := engine.OpText
		if d.binary {
			op = engine.OpBinary
			out, err := phoenix.AppendBinary((*d.out)[:0], phoenix.KindBroadcast, &m)
			if err != nil { // what was decoded can be encoded
				continue
			}
			*d.out = out
		} else {
			*d.out = phoenix.Append((*d.out)[:0], v, &m)
		}
		p := frame.Prepare(op, *d.out)
		p.Slow = d.slow
		n.frames[i] = p
		n.size = max(n.size, len(p.Frame))
	}
}

// A queue holds the notes that have not been delivered everywhere, numbered from
// first on. It is guarded by the room's lock.
type queue struct {
	notes []*note
	first uint64
	bytes int
}

// last is the number of the newest note.
func (q *queue) last() uint64 { return q.first + uint64(len(q.notes)) - 1 }

func (q *queue) at(number uint64) *note { return q.notes[number-q.first] }

func (q *queue) add(n *note) {
	q.notes = append(q.notes, n)
	q.bytes += n.size
}

// trim removes what is delivered.
func (q *queue) trim() {
	i := 0
	for ; i < len(q.notes) && q.notes[i].left == 0; i++ {
		q.bytes -= q.notes[i].size
	}
	if i > 0 {
		rest := copy(q.notes, q.notes[i:])
		clear(q.notes[rest:])
		q.notes = q.notes[:rest]
		q.first += uint64(i)
	}
}
