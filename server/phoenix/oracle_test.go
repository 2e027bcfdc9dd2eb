package phoenix

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"unicode/utf8"
)

// The oracle reads JSON with encoding/json: what it finds, and what it refuses,
// is what this package is to find and refuse.

// nesting is how many containers of valid JSON lie in one another.
func nesting(raw []byte) int {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	depth, deepest := 0, 0
	for {
		t, err := d.Token()
		if err != nil {
			return deepest
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
			deepest = max(deepest, depth)
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
}

// A member of an object: the order and the repetitions of names count.
type member struct {
	name string
	raw  json.RawMessage
}

// oracleMembers reads an object, false if p is none or is nested too deep.
func oracleMembers(p []byte) ([]member, bool) {
	if !json.Valid(p) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(p))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var all []member
	for d.More() {
		name, err := d.Token()
		var raw json.RawMessage
		if err != nil || d.Decode(&raw) != nil {
			panic("valid JSON could not be read")
		}
		if nesting(raw) > MaxDepth {
			return nil, false
		}
		all = append(all, member{name.(string), raw})
	}
	if _, err := d.Token(); err != nil {
		panic("valid JSON has no end")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		panic("valid JSON goes on")
	}
	return all, true
}

// oracleText reads a string of a limited length. It is not nil.
func oracleText(raw []byte, limit int) ([]byte, bool) {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil || len(*s) > limit {
		return nil, false
	}
	return []byte(*s), true
}

func oracleRef(raw []byte) (text []byte, number, ok bool) {
	if string(raw) == "null" {
		return nil, false, true
	}
	if text, ok = oracleText(raw, MaxRef); ok {
		return text, false, true
	}
	var n json.Number
	if raw[0] == '"' || json.Unmarshal(raw, &n) != nil || len(raw) > MaxRef {
		return nil, false, false
	}
	return raw, true, true
}

func oracle2(p []byte) (*Message, bool) {
	var all []json.RawMessage
	if json.Unmarshal(p, &all) != nil || len(all) < 5 {
		return nil, false
	}
	for _, raw := range all[4:] {
		if nesting(raw) > MaxDepth {
			return nil, false
		}
	}
	m := Message{Payload: all[4]}
	var ok [4]bool
	m.JoinRef, m.JoinRefNumber, ok[0] = oracleRef(all[0])
	m.Ref, m.RefNumber, ok[1] = oracleRef(all[1])
	m.Topic, ok[2] = oracleText(all[2], MaxTopic)
	m.Event, ok[3] = oracleText(all[3], MaxEvent)
	return &m, ok == [4]bool{true, true, true, true}
}

func oracle1(p []byte) (*Message, bool) {
	all, ok := oracleMembers(p)
	m := new(Message)
	for _, one := range all {
		one.raw = bytes.TrimSpace(one.raw)
		good := true
		switch one.name {
		case "topic":
			m.Topic, good = oracleText(one.raw, MaxTopic)
		case "event":
			m.Event, good = oracleText(one.raw, MaxEvent)
		case "payload":
			m.Payload = one.raw
		case "ref":
			m.Ref, m.RefNumber, good = oracleRef(one.raw)
		case "join_ref":
			m.JoinRef, m.JoinRefNumber, good = oracleRef(one.raw)
		}
		ok = ok && good
	}
	return m, ok && m.Topic != nil && m.Event != nil && m.Payload != nil
}

// oracleBinary reads the layouts of the package comment.
func oracleBinary(p []byte) (*Message, bool) {
	r := bytes.NewReader(p)
	kind, _ := r.ReadByte()
	if len(p) == 0 || kind > 2 {
		return nil, false
	}
	n := 4
	if kind == 2 {
		n = 2
	}
	sizes := make([]byte, n)
	if _, err := io.ReadFull(r, sizes); err != nil {
		return nil, false
	}
	fields := make([][]byte, n)
	for i, size := range sizes {
		fields[i] = make([]byte, size)
		if _, err := io.ReadFull(r, fields[i]); err != nil || !utf8.Valid(fields[i]) {
			return nil, false
		}
	}
	m := Message{Binary: true, Kind: Kind(kind)}
	switch kind {
	case 0:
		m.JoinRef, m.Ref, m.Topic, m.Event = fields[0], fields[1], fields[2], fields[3]
	case 1:
		m.JoinRef, m.Ref, m.Topic, m.Status, m.Event = fields[0], fields[1], fields[2], fields[3], []byte("phx_reply")
	case 2:
		m.Topic, m.Event = fields[0], fields[1]
	}
	for _, ref := range []*[]byte{&m.JoinRef, &m.Ref} {
		if len(*ref) == 0 {
			*ref = nil
		}
	}
	m.Payload, _ = io.ReadAll(r)
	return &m, true
}

// decodeAs holds Decode to the oracle and returns the message if both let it in.
func decodeAs(t *testing.T, v Version, binary bool, p []byte, oracle func([]byte) (*Message, bool)) *Message {
	var m Message
	err := m.Decode(v, binary, p)
	var at *DecodeError
	if err != nil && (!errors.As(err, &at) || at.Offset < 0 || at.Offset > len(p) || at.Reason == "") {
		t.Fatalf("error %#v of %d B", err, len(p))
	}
	if !binary && !utf8.Valid(p) {
		return nil // encoding/json replaces what is not UTF-8
	}
	want, ok := oracle(p)
	if ok != (err == nil) {
		t.Fatalf("Decode(%q): %v, the oracle says %t", p, err, ok)
	}
	if !ok {
		return nil
	}
	if got, want := show(&m), show(want); got != want {
		t.Fatalf("Decode(%q)\n got %s\nwant %s", p, got, want)
	}
	return &m
}
