// Package channeltest is a Phoenix Channels server without a network, with rooms,
// presence and relays whose faults are known exactly. The load generator's claims
// are tested against it, so it shares no code with the servers or with what it
// tests: it reads and writes with encoding/json.
//
// A [Server] is for one goroutine at a time.
package channeltest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Server serves topics that begin with "room:". Set the fields before use.
type Server struct {
	// V1 speaks version 1 of the serializer; otherwise version 2.
	V1 bool
	// Send brings a message to a connection, after a delay.
	Send func(conn int, after time.Duration, p []byte)
	// Refuse, if not nil, gives the reason why a join is refused; empty if it is not.
	Refuse func(conn int, topic string) string
	// Deny, if not nil, gives the reason why a push is answered with an error; empty if
	// it is not.
	Deny func(conn int, event string) string
	// Relay, if not nil, says what becomes of the nth relay, counted from 1.
	Relay func(n int) Fate
	// Notice, if not nil, says whether the nth notice of a join is lost, for good.
	Notice func(n int) bool
	// Gather is by how much news of presence is late.
	Gather time.Duration

	// Joins, Pushes and Heartbeats count what came, Relays and Notices what was to be
	// passed on, and Spoiled what was not passed on as it came.
	Joins, Pushes, Heartbeats, Relays, Notices, Spoiled int

	rooms map[string]map[int]*member
	peers int
	held  map[pair][][]byte // relays that wait to be overtaken
}

// A pair is a sender and a receiver.
type pair struct{ from, to int }

// A Fate is what becomes of a relay. The zero Fate passes it on.
type Fate struct {
	Drop, Double bool
	Reorder      bool // it is sent after the next from the same sender to the same receiver
	Corrupt      bool // its text differs
	Behead       bool // its stamp differs
	Misname      bool // it is from somebody else
	Misdeliver   bool // it is sent to somebody else
	Delay        time.Duration
}

func (f Fate) spoils() bool {
	f.Delay = 0
	return f != Fate{}
}

type member struct {
	id, joinRef string
	user        json.RawMessage
	meta        json.RawMessage
	ack         bool
	everyone    bool
	hidden      map[int]bool // from whom news of it was lost
}

// message is one message of a client.
type message struct {
	JoinRef *string         `json:"join_ref"`
	Ref     *string         `json:"ref"`
	Topic   string          `json:"topic"`
	Event   string          `json:"event"`
	Payload json.RawMessage `json:"payload"`
}

func (s *Server) decode(p []byte) (m message, err error) {
	if s.V1 {
		return m, json.Unmarshal(p, &m)
	}
	fields := []any{&m.JoinRef, &m.Ref, &m.Topic, &m.Event, &m.Payload}
	var raw []json.RawMessage
	if err := json.Unmarshal(p, &raw); err != nil {
		return m, err
	}
	if len(raw) != len(fields) {
		return m, fmt.Errorf("%d elements", len(raw))
	}
	for i, f := range fields {
		if err := json.Unmarshal(raw[i], f); err != nil {
			return m, err
		}
	}
	return m, nil
}

// encode writes a message of the server; an empty ref is null.
func (s *Server) encode(joinRef, ref *string, topic, event string, payload any) []byte {
	if raw, ok := payload.([]byte); ok {
		payload = json.RawMessage(raw)
	}
	var p []byte
	var err error
	if s.V1 {
		p, err = json.Marshal(map[string]any{"topic": topic, "event": event, "ref": ref, "payload": payload})
	} else {
		p, err = json.Marshal([]any{joinRef, ref, topic, event, payload})
	}
	if err != nil {
		panic(err)
	}
	return p
}

func (s *Server) reply(conn int, m message, status string, response any) {
	if m.Ref == nil {
		return
	}
	s.Send(conn, 0, s.encode(m.JoinRef, m.Ref, m.Topic, "phx_reply", map[string]any{"status": status, "response": response}))
}

// Message takes a text message of a connection. An error is the client's fault.
func (s *Server) Message(conn int, p []byte) error {
	m, err := s.decode(p)
	if err != nil {
		return fmt.Errorf("%q: %w", p, err)
	}
	if m.Topic == "phoenix" && m.Event == "heartbeat" {
		s.Heartbeats++
		s.reply(conn, m, "ok", struct{}{})
		return nil
	}
	if m.Event == "phx_join" {
		return s.join(conn, m)
	}
	who := s.rooms[m.Topic][conn]
	if who == nil {
		s.reply(conn, m, "error", map[string]string{"reason": "unmatched topic"})
		return nil
	}
	if m.JoinRef != nil && *m.JoinRef != who.joinRef {
		return fmt.Errorf("push with join ref %s, joined with %s", *m.JoinRef, who.joinRef)
	}
	if m.Event == "phx_leave" {
		s.leave(conn, m.Topic)
		s.reply(conn, m, "ok", struct{}{})
		s.Send(conn, 0, s.encode(&who.joinRef, &who.joinRef, m.Topic, "phx_close", struct{}{}))
		return nil
	}
	s.Pushes++
	if s.Deny != nil {
		if why := s.Deny(conn, m.Event); why != "" {
			s.reply(conn, m, "error", map[string]string{"reason": why})
			return nil
		}
	}
	switch m.Event {
	case "offer", "answer", "candidate":
		return s.relay(conn, who, m)
	}
	for _, other := range slices.Sorted(maps.Keys(s.rooms[m.Topic])) {
		if other != conn || who.everyone {
			s.Send(other, 0, s.encode(nil, nil, m.Topic, m.Event, m.Payload))
		}
	}
	if who.ack {
		s.reply(conn, m, "ok", struct{}{})
	}
	return nil
}

func (s *Server) join(conn int, m message) error {
	s.Joins++
	if !strings.HasPrefix(m.Topic, "room:") {
		s.reply(conn, m, "error", map[string]string{"reason": "unmatched topic"})
		return nil
	}
	if s.Refuse != nil {
		if why := s.Refuse(conn, m.Topic); why != "" {
			s.reply(conn, m, "error", map[string]string{"reason": why})
			return nil
		}
	}
	var asked struct {
		User, Meta json.RawMessage
		Ack        *bool
		Presence   *bool
		Everyone   bool
	}
	if err := json.Unmarshal(m.Payload, &asked); err != nil {
		return fmt.Errorf("joining with %q: %w", m.Payload, err)
	}
	if old := s.rooms[m.Topic][conn]; old != nil {
		s.leave(conn, m.Topic)
		s.Send(conn, 0, s.encode(&old.joinRef, &old.joinRef, m.Topic, "phx_close", struct{}{}))
	}
	s.peers++
	who := &member{id: fmt.Sprintf("p%d", s.peers), user: asked.User, meta: asked.Meta, ack: asked.Ack == nil || *asked.Ack, everyone: asked.Everyone}
	if m.JoinRef != nil {
		who.joinRef = *m.JoinRef
	}
	if s.rooms == nil {
		s.rooms = make(map[string]map[int]*member)
	}
	room := s.rooms[m.Topic]
	if room == nil {
		room = make(map[int]*member)
		s.rooms[m.Topic] = room
	}
	for _, other := range slices.Sorted(maps.Keys(room)) {
		s.Notices++
		if s.Notice != nil && s.Notice(s.Notices) {
			s.Spoiled++
			if who.hidden == nil {
				who.hidden = make(map[int]bool)
			}
			who.hidden[other] = true
			continue
		}
		s.Send(other, s.Gather, s.encode(nil, nil, m.Topic, "presence_diff", map[string]any{"joins": map[string]any{who.id: who.entry()}, "leaves": struct{}{}}))
	}
	room[conn] = who
	s.reply(conn, m, "ok", map[string]any{"id": who.id, "peers": len(room)})
	state := make(map[string]any)
	for _, one := range room {
		if one.hidden[conn] {
			continue
		}
		state[one.id] = one.entry()
	}
	s.Send(conn, 0, s.encode(&who.joinRef, nil, m.Topic, "presence_state", state))
	return nil
}

func (m *member) entry() any {
	meta := map[string]any{"phx_ref": "F" + m.id}
	if m.user != nil {
		meta["user"] = m.user
	}
	if m.meta != nil {
		meta["meta"] = m.meta
	}
	return map[string]any{"metas": []any{meta}}
}

func (s *Server) leave(conn int, topic string) {
	room := s.rooms[topic]
	who := room[conn]
	delete(room, conn)
	for _, other := range slices.Sorted(maps.Keys(room)) {
		s.Send(other, s.Gather, s.encode(nil, nil, topic, "presence_diff", map[string]any{"joins": struct{}{}, "leaves": map[string]any{who.id: who.entry()}}))
	}
}

// Gone takes the end of a connection.
func (s *Server) Gone(conn int) {
	for _, topic := range slices.Sorted(maps.Keys(s.rooms)) {
		if s.rooms[topic][conn] != nil {
			s.leave(conn, topic)
		}
	}
}

// Kick ends every membership of a connection with an event: phx_close or phx_error.
func (s *Server) Kick(conn int, event string) {
	for _, topic := range slices.Sorted(maps.Keys(s.rooms)) {
		if who := s.rooms[topic][conn]; who != nil {
			s.leave(conn, topic)
			s.Send(conn, 0, s.encode(&who.joinRef, &who.joinRef, topic, event, struct{}{}))
		}
	}
}

// relay passes a message on to one peer.
func (s *Server) relay(conn int, from *member, m message) error {
	var payload map[string]json.RawMessage
	if err := json.Unmarshal(m.Payload, &payload); err != nil {
		return fmt.Errorf("relaying %q: %w", m.Payload, err)
	}
	var to string
	if err := json.Unmarshal(payload["to"], &to); err != nil {
		return fmt.Errorf("relaying %q: to: %w", m.Payload, err)
	}
	room := s.rooms[m.Topic]
	conns := slices.Sorted(maps.Keys(room))
	at := slices.IndexFunc(conns, func(c int) bool { return room[c].id == to })
	if at < 0 {
		s.reply(conn, m, "error", map[string]string{"reason": "unknown peer", "to": to})
		return nil
	}
	receiver := conns[at]
	s.Relays++
	var fate Fate
	if s.Relay != nil {
		fate = s.Relay(s.Relays)
	}
	if fate.Misdeliver {
		receiver = conns[slices.IndexFunc(conns, func(c int) bool { return c != conn && c != receiver })]
	}
	if fate.Corrupt {
		for _, key := range []string{"sdp", "candidate"} {
			spoil(payload, key)
		}
	}
	if fate.Behead {
		spoil(payload, "stamp")
	}
	sender := from.id
	if fate.Misname {
		sender += "0"
	}
	payload["from"], _ = json.Marshal(sender)
	p := s.encode(nil, nil, m.Topic, m.Event, payload)
	if fate.spoils() {
		s.Spoiled++
	}
	way := pair{conn, receiver}
	switch {
	case fate.Drop:
	case fate.Reorder:
		if s.held == nil {
			s.held = make(map[pair][][]byte)
		}
		s.held[way] = append(s.held[way], p)
	default:
		s.Send(receiver, fate.Delay, p)
		if fate.Double {
			s.Send(receiver, fate.Delay, p)
		}
		for _, h := range s.held[way] {
			s.Send(receiver, fate.Delay, h)
		}
		delete(s.held, way)
	}
	if from.ack {
		s.reply(conn, m, "ok", struct{}{})
	}
	return nil
}

// spoil changes a text of a payload.
func spoil(payload map[string]json.RawMessage, key string) {
	var text string
	if json.Unmarshal(payload[key], &text) != nil || text == "" {
		return
	}
	b := []byte(text)
	b[len(b)/2] ^= 1
	payload[key], _ = json.Marshal(string(b))
}
