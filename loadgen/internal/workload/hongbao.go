package workload

import (
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
	"signalbench/server/hongbao/packet"
)

// stragglers is for how long after the last shake a lane waits for notices of gifts,
// which nothing announces.
const stragglers = 100 * time.Millisecond

// A Hongbao is an open loop of shakes, each connection in turn, as one user each. A
// user who is told of a gift grabs a share at once. Every packet is checked, and every
// cent is kept in the books of a [Purse].
type Hongbao struct {
	common
	turns
	span    Span
	shards  Shards
	purse   *Purse
	unix    func() uint64
	awaited awaited
	out     [packet.MaxSize]byte
	over    bool // no notice is waited for any more
}

// NewHongbao returns l's part of a load of shakes. Connections are logged in, see
// [Logins]. The schedules are those of all lanes together, and so is the purse.
func NewHongbao(l *lane.Lane, d *Delivery, ring Ring, span Span, shards Shards, warm, main pace.Schedule, purse *Purse, unix func() uint64) *Hongbao {
	return &Hongbao{
		common: common{l: l, d: d}, turns: newTurns(l, ring, span, warm, main), span: span, shards: shards,
		purse: purse, unix: unix, awaited: newAwaited(l.Conns),
	}
}

// Next implements [lane.Workload].
func (h *Hongbao) Next() time.Duration {
	if h.due == lane.Never && !h.over {
		return h.span.End + stragglers
	}
	return h.due
}

// Fire implements [lane.Workload].
func (h *Hongbao) Fire(now time.Duration) {
	for range few {
		if h.due > now {
			break
		}
		c, main, due := h.take()
		now = h.l.Now()
		h.shake(c, main, due, now)
	}
	if h.due == lane.Never && now >= h.span.End+stragglers {
		h.over = true
	}
	h.check()
}

// check tells that everything is through, as often as it may be: the last open gift
// may be settled on any lane.
func (h *Hongbao) check() {
	if h.over && h.Finished() {
		h.l.Notify()
	}
}

// shake sends one shake or drops it.
func (h *Hongbao) shake(c wire.Conn, main bool, due, now time.Duration) {
	shard := h.shards.at(main)
	shard.Ops.Scheduled++
	size, why := h.send(c, wait{due: due, sent: now, main: main}, packet.Packet{Type: packet.Shake, User: h.l.Global(c)})
	if why != "" {
		shard.DropOp(why, 1)
		return
	}
	shard.Ops.BytesSent += size
	shard.Time(record.Lag, now-due)
}

// send sends a packet that will be answered. If it does not, it tells why.
func (h *Hongbao) send(c wire.Conn, w wait, p packet.Packet) (size uint64, why results.Cause) {
	if !h.l.IsOpen(c) {
		return 0, results.CauseNoConn
	}
	if !h.awaited.add(c, w) {
		return 0, results.CauseBacklog
	}
	p.Time = h.unix()
	b := p.Append(h.out[:0])
	if why := h.l.Send(c, frame.Binary, b, nil); why != "" {
		h.awaited.last(c)
		if !h.l.IsOpen(c) {
			h.Ended(c, why, w.sent)
		}
		return 0, why
	}
	return uint64(len(b)), ""
}

// Received implements [lane.Workload].
func (h *Hongbao) Received(c wire.Conn, op frame.Opcode, b []byte, now time.Duration) {
	var p packet.Packet
	err := p.Decode(b)
	switch {
	case op != frame.Binary || err != nil:
		h.corrupt(c)
	case p.Type == packet.Reply:
		h.reply(c, &p, now)
	case p.Type == packet.Gift:
		h.gift(c, &p, now)
	case p.Type == packet.GrabReply:
		h.grabbed(c, &p, now)
	default:
		h.shards.Main.Unexpected++
	}
	h.check()
}

// corrupt takes what is no packet: it stands for the first answer that is missing.
func (h *Hongbao) corrupt(c wire.Conn) {
	w, ok := h.awaited.any(c)
	if !ok {
		h.shards.Main.Unexpected++
		return
	}
	h.fail(w, results.CauseCorrupt)
	h.ops(w).Corrupt++
}

// ops gives the counts that a wait belongs to.
func (h *Hongbao) ops(w wait) *results.Ops {
	shard := h.shards.at(w.main)
	if w.grab {
		return &shard.Hongbao().Grabs
	}
	return &shard.Ops
}

func (h *Hongbao) fail(w wait, why results.Cause) { record.Fail(h.ops(w), why, 1) }

// until is when the phase of a shake ends.
func (h *Hongbao) until(main bool) time.Duration {
	if main {
		return h.span.End
	}
	return h.span.Main
}

// reply takes the answer to the oldest shake of c: a server answers in order.
func (h *Hongbao) reply(c wire.Conn, p *packet.Packet, now time.Duration) {
	w, ok := h.awaited.shake(c)
	if !ok {
		h.shards.Main.Ops.Duplicate++
		return
	}
	shard := h.shards.at(w.main)
	shard.Ops.BytesReceived += uint64(p.Type.Size())
	if empty := p.ID == 0 && p.Amount == 0; p.User != h.l.Global(c) || p.Result == packet.Got && p.Amount == 0 || p.Result != packet.Got && !empty {
		shard.Ops.Corrupt++
		h.fail(w, results.CauseCorrupt)
		return
	}
	switch p.Result {
	case packet.Got:
		shard.Hongbao().Got++
		shard.Hongbao().Shaken += uint64(p.Amount)
		h.purse.found(p.ID, p.Amount)
	case packet.Overload:
		shard.Hongbao().Overload++
	default:
		shard.Hongbao().None++
	}
	shard.Ops.Completed++
	if now < h.until(w.main) {
		shard.OnTime++
	}
	shard.Time(record.Response, now-w.due)
	shard.Time(record.Service, now-w.sent)
}

// gift takes a notice, and grabs.
func (h *Hongbao) gift(c wire.Conn, p *packet.Packet, now time.Duration) {
	main := now >= h.span.Main
	o := &h.shards.at(main).Hongbao().Grabs
	user := h.l.Global(c)
	if !h.purse.told(p, user) {
		o.Duplicate++ // or for somebody else, or not as others were told: none that may be grabbed
		return
	}
	o.Scheduled++
	o.BytesReceived += uint64(p.Type.Size())
	size, why := h.send(c, wait{due: now, sent: now, id: p.ID, grab: true, main: main}, packet.Packet{Type: packet.Grab, User: user, ID: p.ID})
	if why != "" {
		record.Drop(o, why, 1)
		return
	}
	o.BytesSent += size
}

// grabbed takes the answer to a grab.
func (h *Hongbao) grabbed(c wire.Conn, p *packet.Packet, now time.Duration) {
	w, ok := h.awaited.grab(c, p.ID)
	if !ok {
		h.shards.Main.Hongbao().Grabs.Duplicate++
		return
	}
	shard := h.shards.at(w.main)
	o := &shard.Hongbao().Grabs
	o.BytesReceived += uint64(p.Type.Size())
	o.Completed++
	shard.Hongbao().Grabbed += uint64(p.Amount)
	shard.Time(record.Grab, now-w.due)
	h.purse.grabbed(p.ID, p.Amount)
}

// Ended implements [lane.Workload]. What c waited for has failed.
func (h *Hongbao) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	h.common.Ended(c, why, now)
	if why == "" {
		why = results.CauseStopped
	}
	h.giveUp(c, func(w wait) { h.fail(w, why) })
	h.check()
}

func (h *Hongbao) giveUp(c wire.Conn, each func(wait)) {
	for w, ok := h.awaited.any(c); ok; w, ok = h.awaited.any(c) {
		each(w)
	}
}

// Finished implements [Stage].
func (h *Hongbao) Finished() bool { return h.over && h.awaited.n == 0 && h.purse.Settled() }

// Abort implements [Stage]. What is outstanding has failed.
func (h *Hongbao) Abort(why results.Cause) {
	for now := h.l.Now(); h.due <= now; {
		_, main, _ := h.take()
		shard := h.shards.at(main)
		shard.Ops.Scheduled++
		shard.DropOp(why, 1)
	}
	h.end()
	h.over = true
	missing := why != results.CauseStopped && why != results.CauseStalled && why != results.CauseReserve
	if missing {
		why = results.CauseMissing
	}
	for c := range h.awaited.first {
		h.giveUp(wire.Conn(c), func(w wait) {
			h.fail(w, why)
			if missing {
				h.ops(w).Missing++
			}
		})
	}
	h.check()
}
