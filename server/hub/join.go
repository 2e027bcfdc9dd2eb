package hub

import (
	"errors"
	"strconv"

	"signalbench/server/engine"
	"signalbench/server/frame"
	"signalbench/server/phoenix"
)

// join serves a phx_join.
func (k *call) join() {
	s, m := k.session, &k.msg
	if !k.hub.roomTopic(m.Topic) {
		m.JoinRef = nil
		k.refuse(UnmatchedTopic, "")
		return
	}
	if old := s.find(m.Topic); old != nil {
		own, o, n := old.own, old.options, old.refLen
		s.part(old)
		k.farewell(own[:n], o)
	}
	switch {
	case s.admission != nil && !s.admission.MayJoin(string(m.Topic)):
		k.refuse(Unauthorized, "")
		return
	case int(s.rooms) >= k.hub.cfg.RoomsPerConn:
		k.refuse(TooManyRooms, "at most "+strconv.Itoa(k.hub.cfg.RoomsPerConn))
		return
	}
	peer := s.add()
	if err := k.read(peer); err != nil {
		*peer = membership{}
		if err == errMeta {
			k.refuse(MetaTooLarge, "at most "+strconv.Itoa(k.hub.cfg.MaxMeta)+" B")
		} else {
			k.refuse(BadPayload, err.Error())
		}
		return
	}
	r := k.hub.acquire(m.Topic)
	peer.session, peer.room = s, r
	if !r.join(peer, k) {
		*peer = membership{}
		r.shard.release(r)
		k.refuse(RoomFull, "at most "+strconv.Itoa(k.hub.cfg.PeersPerRoom)+" peers")
		return
	}
	peer.next, s.list = s.list, peer
	s.rooms++
}

var (
	errMeta = errors.New("user and meta are too large")
	errUser = errors.New("user is not a string")
)

// read fills in what the message says of the peer.
func (k *call) read(peer *membership) error {
	m := &k.msg
	if m.Binary {
		return errors.New("phx_join is binary")
	}
	k.own = append(k.own[:0], m.JoinRef...)
	peer.refLen = uint8(len(m.JoinRef)) // at most phoenix.MaxRef
	if m.JoinRef != nil {
		peer.options |= hasRef
	}
	if m.JoinRefNumber {
		peer.options |= numberRef
	}
	user, _, err := phoenix.Member(m.Payload, "user")
	if err != nil {
		return err
	}
	if string(user) == "null" {
		user = nil
	}
	switch {
	case k.session.admission != nil && k.session.admission.User() != "":
		user = phoenix.AppendString(k.payload[:0], []byte(k.session.admission.User()))
		k.payload = user
	case user != nil && user[0] != '"':
		return errUser
	}
	meta, _, err := phoenix.Member(m.Payload, "meta")
	if err != nil {
		return err
	}
	if len(user)+len(meta) > k.hub.cfg.MaxMeta {
		return errMeta
	}
	if user != nil {
		k.own = append(append(k.own, `,"user":`...), user...)
	}
	if meta != nil {
		k.own = append(append(k.own, `,"meta":`...), meta...)
	}
	for _, o := range []struct {
		key  string
		bit  options
		when string // the value that sets the bit
		off  string
	}{
		{"presence", present, "true", "false"},
		{"everyone", everyone, "true", "false"},
		{"ack", quiet, "false", "true"},
	} {
		raw, ok, err := phoenix.Member(m.Payload, o.key)
		if err != nil {
			return err
		}
		switch {
		case !ok && o.bit == present, string(raw) == o.when:
			peer.options |= o.bit
		case !ok, string(raw) == o.off:
		default:
			return errors.New(o.key + " is neither true nor false")
		}
	}
	peer.own = string(k.own)
	return nil
}

// welcome answers a join. The room's lock is held, so this comes before all that
// the room has for the peer.
func (k *call) welcome(peer *membership, wanted bool) {
	r := peer.room
	k.payload = append(k.payload[:0], `{"id":"`...)
	k.payload = appendID(k.payload, peer.id)
	k.payload = append(k.payload, `","peers":`...)
	k.payload = strconv.AppendInt(k.payload, int64(r.count), 10)
	if wanted && !peer.is(present) {
		k.payload = append(k.payload, `,"presence":false`...)
	}
	k.payload = append(k.payload, '}')
	k.reply(phoenix.OK, k.payload)
	if !peer.is(present) {
		return
	}
	k.payload = r.presence.appendState(k.payload[:0])
	k.out = phoenix.Append(k.out[:0], k.session.version, &phoenix.Message{
		Topic: k.msg.Topic, Event: []byte(phoenix.PresenceState), Payload: k.payload,
	})
	var err error
	if slow := k.hub.cfg.SlowPresence; slow == "" {
		err = k.session.conn.Send(engine.OpText, k.out)
	} else {
		p := frame.Prepare(engine.OpText, k.out)
		p.Slow = slow
		err = k.session.conn.SendPrepared(p)
	}
	if err == engine.ErrSlow {
		peer.stale = true
		r.missed()
	}
}
