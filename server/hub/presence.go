package hub

import (
	"slices"
	"time"

	"signalbench/server/phoenix"
)

// staleRetry is after how many periods those that lost presence are tried again.
const staleRetry = 4

// leavesKept is for how many times PresenceLimit leaves are gathered; with more,
// the next message is the whole state.
const leavesKept = 4

// A presence is what a room tells its members of one another. It is guarded by
// the room's lock.
type presence struct {
	list          []*membership
	joins, leaves []entry // not told yet
	whole         bool    // the whole state is to be told instead
	stale         bool    // some members have lost some of it
	told          time.Time
	due           time.Time // when the timer fires, zero if it is not set
	timer         *time.Timer
}

// An entry is one peer as others see it.
type entry struct {
	id   uint64
	more string // JSON members with a comma in front of each
}

func (m *membership) presence() entry { return entry{m.id, m.entry()} }

// append appends e as a member of an object.
func (e entry) append(dst []byte) []byte {
	dst = append(dst, '"')
	dst = appendID(dst, e.id)
	dst = append(dst, `":{"metas":[{"phx_ref":"`...)
	dst = appendID(dst, e.id)
	dst = append(dst, '"')
	dst = append(dst, e.more...)
	return append(dst, `}]}`...)
}

func appendEntries(dst []byte, list []entry) []byte {
	dst = append(dst, '{')
	for i, e := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = e.append(dst)
	}
	return append(dst, '}')
}

// appendState appends the payload of presence_state.
func (p *presence) appendState(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range p.list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = m.presence().append(dst)
	}
	return append(dst, '}')
}

// enlist takes m into presence if there is room. The room's lock is held, here and
// in what follows.
func (r *room) enlist(m *membership) bool {
	if r.presence == nil {
		if r.hub.cfg.PresenceLimit == 0 {
			return false
		}
		r.presence = new(presence)
	}
	p := r.presence
	if len(p.list) >= r.hub.cfg.PresenceLimit {
		return false
	}
	p.list = append(p.list, m)
	return true
}

// joined tells the others of m.
func (r *room) joined(m *membership) {
	p := r.presence
	if len(p.list) == 1 {
		return
	}
	if r.tellNow([]entry{m.presence()}, nil, m) {
		return
	}
	if !p.whole {
		p.joins = append(p.joins, m.presence())
	}
	r.gather()
}

// left tells the others that m is gone.
func (r *room) left(m *membership) {
	p := r.presence
	i := slices.Index(p.list, m)
	last := len(p.list) - 1
	p.list[i], p.list[last] = p.list[last], nil
	if p.list = p.list[:last]; last == 0 {
		r.forget()
		return
	}
	e := m.presence()
	if r.tellNow(nil, []entry{e}, nil) {
		return
	}
	if !p.whole {
		// Who came after m's join knows of it from its presence_state.
		p.joins = slices.DeleteFunc(p.joins, func(j entry) bool { return j.id == e.id })
		if p.leaves = append(p.leaves, e); len(p.leaves) > leavesKept*r.hub.cfg.PresenceLimit {
			p.joins, p.leaves, p.whole = nil, nil, true
		}
	}
	r.gather()
}

// forget drops what there is to tell: nobody is left who would want it.
func (r *room) forget() {
	p := r.presence
	p.joins, p.leaves, p.whole, p.stale = nil, nil, false, false
	if p.timer != nil {
		p.timer.Stop()
	}
	p.due = time.Time{}
}

// tellNow tells of a change if that can be at once.
func (r *room) tellNow(joins, leaves []entry, except *membership) bool {
	p := r.presence
	if len(p.joins)+len(p.leaves) > 0 || p.whole || time.Since(p.told) < r.hub.cfg.PresencePeriod {
		return false
	}
	return r.tell(joins, leaves, except)
}

// tell queues a presence_diff.
func (r *room) tell(joins, leaves []entry, except *membership) bool {
	payload := append(appendEntries([]byte(`{"joins":`), joins), `,"leaves":`...)
	payload = append(appendEntries(payload, leaves), '}')
	if !r.inform(forPresent, phoenix.PresenceDiff, payload, except) {
		return false
	}
	r.presence.told = time.Now()
	return true
}

// inform queues a message of presence.
func (r *room) inform(to kind, event string, payload []byte, except *membership) bool {
	var out []byte
	d := draft{
		topic: []byte(r.topic), event: []byte(event), payload: payload,
		kind: to, slow: r.hub.cfg.SlowPresence, except: except, out: &out,
	}
	return r.enqueue(d.note(r.speakers))
}

// gather sees to it that what is not told will be.
func (r *room) gather() {
	at := r.presence.told.Add(r.hub.cfg.PresencePeriod)
	if soonest := time.Now(); at.Before(soonest) { // the room is busy
		at = soonest.Add(r.hub.cfg.PresencePeriod)
	}
	r.arm(at)
}

// missed notes that somebody has lost presence.
func (r *room) missed() {
	p := r.presence
	if len(p.list) == 0 || p.stale {
		return
	}
	p.stale = true
	r.arm(time.Now().Add(staleRetry * r.hub.cfg.PresencePeriod))
}

// arm has flush called at a time, if it is not called before.
func (r *room) arm(at time.Time) {
	p := r.presence
	if !p.due.IsZero() && !p.due.After(at) {
		return
	}
	p.due = at
	if p.timer == nil {
		p.timer = time.AfterFunc(time.Until(at), r.flush)
	} else {
		p.timer.Reset(time.Until(at))
	}
}

// flush tells what was gathered. The timer calls it.
func (r *room) flush() {
	if r.hub.crew.isClosed() {
		return
	}
	r.mu.Lock()
	p := r.presence
	p.due = time.Time{}
	if len(p.list) > 0 {
		r.flushAll()
	}
	w := r.wake()
	r.mu.Unlock()
	w.run()
}

func (r *room) flushAll() {
	p := r.presence
	switch {
	case p.whole:
		if r.inform(forPresent, phoenix.PresenceState, p.appendState(nil), nil) {
			p.whole, p.told = false, time.Now()
		}
	case len(p.joins)+len(p.leaves) > 0:
		if r.tell(p.joins, p.leaves, nil) {
			p.joins, p.leaves = nil, nil
		}
	}
	if p.stale && r.inform(forStale, phoenix.PresenceState, p.appendState(nil), nil) {
		p.stale = false
	}
	if p.whole || p.stale || len(p.joins)+len(p.leaves) > 0 {
		r.gather()
	}
}
