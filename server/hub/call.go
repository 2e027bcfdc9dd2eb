package hub

import (
	"bytes"

	"signalbench/server/engine"
	"signalbench/server/phoenix"
)

// A call serves one message. Calls are pooled, so that their memory is there
// already.
type call struct {
	hub     *Hub
	session *session
	msg     phoenix.Message
	fields  phoenix.Fields
	payload []byte // of what is sent
	out     []byte // the message that is sent
	own     []byte // see membership
}

// callKept is the largest memory that a call keeps for the next message.
const callKept = 64 << 10

// rest gives k back.
func (k *call) rest() {
	k.session = nil
	if cap(k.payload) > callKept {
		k.payload = nil
	}
	if cap(k.out) > callKept {
		k.out = nil
	}
	k.hub.calls.Put(k)
}

// serve takes a message.
func (k *call) serve(binary bool, p []byte) {
	s, m := k.session, &k.msg
	if err := m.Decode(s.version, binary, p); err != nil {
		// There is no ref that could be answered to. Phoenix's socket fails as well.
		_ = s.conn.Close(engine.CloseInvalidPayload, err.Error())
		return
	}
	switch {
	case s.admission != nil && !s.admission.Allow():
		k.refuse(RateLimit, "")
		return
	case m.Binary && m.Kind != phoenix.KindPush:
		k.refuse(NotAPush, "")
		return
	case string(m.Topic) == phoenix.HeartbeatTopic && string(m.Event) == phoenix.Heartbeat:
		k.reply(phoenix.OK, nil)
		return
	case string(m.Event) == phoenix.Join:
		k.join()
		return
	}
	peer := s.find(m.Topic)
	switch {
	case peer == nil && string(m.Event) == phoenix.Leave:
		k.reply(phoenix.OK, nil)
	case peer == nil:
		m.JoinRef = nil // the reply is the connection's, as Phoenix's
		k.refuse(UnmatchedTopic, "")
	case peer.outdated(m.JoinRef):
	case string(m.Event) == phoenix.Leave:
		k.leave(peer)
	case reserved(m.Event):
		k.refuse(ReservedEvent, "")
	case relayed(m.Event):
		k.relay(peer)
	default:
		k.broadcast(peer)
	}
}

// reserved reports whether clients must not send an event to others: it would pass
// for the server's own.
func reserved(event []byte) bool {
	return bytes.HasPrefix(event, []byte("phx_")) || bytes.HasPrefix(event, []byte("presence_"))
}

// relayed reports whether an event is for one peer.
func relayed(event []byte) bool {
	switch string(event) {
	case "offer", "answer", "candidate":
		return true
	}
	return false
}

// reply answers to the message.
func (k *call) reply(status string, response []byte) {
	k.out = phoenix.AppendReplyTo(k.out[:0], k.session.version, &k.msg, status, response)
	k.send()
}

// send sends what out holds to the session's own connection. A peer that does not
// read is dealt with by the engine, and one that is gone needs nothing.
func (k *call) send() { _ = k.session.conn.Send(engine.OpText, k.out) }

// refuse answers with an error and counts it.
func (k *call) refuse(why Refusal, detail string) {
	k.hub.refused[why].Add(1)
	k.payload = append(k.payload[:0], `{"reason":`...)
	reason := why.String()
	if detail != "" {
		reason += ": " + detail
	}
	k.payload = phoenix.AppendString(k.payload, []byte(reason))
	k.payload = append(k.payload, '}')
	k.reply(phoenix.Error, k.payload)
}

// done answers to a push that was carried out, unless that is not wanted.
func (k *call) done(peer *membership) {
	if k.msg.Ref != nil && !peer.is(quiet) {
		k.reply(phoenix.OK, nil)
	}
}

// leave takes the peer out of its room. A client that sends no join_ref, as before
// phoenix.js 1.3, is told by the reply alone: it could not tell a phx_close from one
// of the join that it may have sent since, as phoenix.js does not wait for the reply.
func (k *call) leave(peer *membership) {
	own, o, n := peer.own, peer.options, peer.refLen
	k.session.part(peer)
	k.reply(phoenix.OK, nil)
	if o&hasRef != 0 {
		k.farewell(own[:n], o)
	}
}

// farewell tells that the membership with that join_ref has ended. The message's
// topic is its.
func (k *call) farewell(joinRef string, o options) {
	m := phoenix.Message{Topic: k.msg.Topic, Event: []byte(phoenix.CloseEvent)}
	if o&hasRef != 0 {
		m.JoinRef, m.JoinRefNumber = []byte(joinRef), o&numberRef != 0
		m.Ref, m.RefNumber = m.JoinRef, m.JoinRefNumber
	}
	k.out = phoenix.Append(k.out[:0], k.session.version, &m)
	k.send()
}

// relay sends the message to the one peer that it is for.
func (k *call) relay(from *membership) {
	m, f := &k.msg, &k.fields
	if m.Binary || m.Payload[0] != '{' {
		k.refuse(NoReceiver, "")
		return
	}
	if err := phoenix.ScanRelay(m.Payload, f); err != nil {
		k.refuse(BadPayload, err.Error())
		return
	}
	if f.To == nil {
		k.refuse(NoReceiver, "")
		return
	}
	r := from.room
	var to engine.Conn
	var v phoenix.Version
	id, ok := parseID(f.To)
	if ok {
		to, v, ok = r.peer(id)
	}
	if !ok {
		k.refuseUnknown(f.To)
		return
	}
	k.out = k.appendPayload(k.out[:0], from)
	k.payload, k.out = k.out, k.payload
	k.out = phoenix.Append(k.out[:0], v, &phoenix.Message{Topic: m.Topic, Event: m.Event, Payload: k.payload})
	switch to.Send(engine.OpText, k.out) {
	case nil:
		r.shard.count.relayed.Add(1)
		k.done(from)
	case engine.ErrSlow:
		r.shard.count.slow.Add(1)
		k.refuse(SlowPeer, "")
	default:
		k.refuseUnknown(f.To)
	}
}

// appendPayload appends the message's payload, an object that fields was scanned
// from, with the sender's id.
func (k *call) appendPayload(dst []byte, from *membership) []byte {
	var id [idLen]byte
	return phoenix.AppendFrom(dst, k.msg.Payload, &k.fields, appendID(id[:0], from.id))
}

func (k *call) refuseUnknown(to []byte) {
	k.hub.refused[UnknownPeer].Add(1)
	k.payload = append(k.payload[:0], `{"reason":"`...)
	k.payload = append(k.payload, UnknownPeer.String()...)
	k.payload = append(k.payload, `","to":`...)
	k.payload = phoenix.AppendString(k.payload, to)
	k.payload = append(k.payload, '}')
	k.reply(phoenix.Error, k.payload)
}

// broadcast publishes the message to the others.
func (k *call) broadcast(from *membership) {
	m := &k.msg
	d := draft{topic: m.Topic, event: m.Event, payload: m.Payload, binary: m.Binary, slow: k.hub.cfg.SlowBroadcast}
	if !m.Binary && m.Payload[0] == '{' {
		if err := phoenix.ScanFrom(m.Payload, &k.fields); err != nil {
			k.refuse(BadPayload, err.Error())
			return
		}
		k.payload = k.appendPayload(k.payload[:0], from)
		d.payload = k.payload
	}
	if !from.is(everyone) {
		d.except = from
	}
	d.out = &k.out
	if _, ok := from.room.publish(&d); !ok {
		k.refuse(RoomBusy, "")
		return
	}
	k.done(from)
}
