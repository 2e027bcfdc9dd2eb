package phoenix

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppend(t *testing.T) {
	full := Message{JoinRef: []byte("1"), Ref: []byte("2"), Topic: []byte("room:\"a\""), Event: []byte("e\n"), Payload: []byte(`{"x":1}`)}
	numbers := full
	numbers.JoinRefNumber, numbers.RefNumber = true, true
	broadcast := Message{Topic: []byte("t"), Event: []byte("e")}
	for _, c := range []struct {
		name string
		v    Version
		m    Message
		want string
	}{
		{"V2", V2, full, `["1","2","room:\"a\"","e\n",{"x":1}]`},
		{"V2 numbers", V2, numbers, `[1,2,"room:\"a\"","e\n",{"x":1}]`},
		{"V2 broadcast", V2, broadcast, `[null,null,"t","e",{}]`},
		{"V1", V1, full, `{"topic":"room:\"a\"","event":"e\n","payload":{"x":1},"ref":"2","join_ref":"1"}`},
		{"V1 numbers", V1, numbers, `{"topic":"room:\"a\"","event":"e\n","payload":{"x":1},"ref":2,"join_ref":1}`},
		{"V1 broadcast", V1, broadcast, `{"topic":"t","event":"e","payload":{},"ref":null}`},
	} {
		if got := string(Append([]byte("x"), c.v, &c.m)); got != "x"+c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got[1:], c.want)
		}
	}
}

func TestAppendReply(t *testing.T) {
	one, two, topic := []byte("1"), []byte("2"), []byte("t")
	for _, c := range []struct{ got, want string }{
		{string(AppendReply(nil, V2, one, two, topic, OK, nil)), `["1","2","t","phx_reply",{"status":"ok","response":{}}]`},
		{string(AppendReply(nil, V2, nil, two, topic, Error, []byte(`{"reason":"r"}`))), `[null,"2","t","phx_reply",{"status":"error","response":{"reason":"r"}}]`},
		{string(AppendReply(nil, V1, one, two, topic, OK, nil)), `{"topic":"t","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"2"}`},
		{string(AppendReplyTo(nil, V2, &Message{JoinRef: one, Ref: two, RefNumber: true, Topic: topic}, OK, nil)), `["1",2,"t","phx_reply",{"status":"ok","response":{}}]`},
		{string(AppendReplyTo(nil, V1, &Message{JoinRef: one, Ref: two, RefNumber: true, Topic: topic}, OK, nil)), `{"topic":"t","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":2}`},
	} {
		if c.got != c.want {
			t.Errorf("reply %s\nwant  %s", c.got, c.want)
		}
	}
}

func TestAppendBinary(t *testing.T) {
	m := Message{JoinRef: []byte("12"), Ref: []byte("123"), Topic: []byte("topic"), Event: []byte("event"), Status: []byte("ok"), Payload: []byte("\xff")}
	for _, c := range []struct {
		kind Kind
		want string
	}{
		{KindPush, "\x00\x02\x03\x05\x0512123topicevent\xff"},
		{KindReply, "\x01\x02\x03\x05\x0212123topicok\xff"},
		{KindBroadcast, "\x02\x05\x05topicevent\xff"},
	} {
		if got, err := AppendBinary(nil, c.kind, &m); err != nil || string(got) != c.want {
			t.Errorf("kind %d: %q, %v, want %q", c.kind, got, err, c.want)
		}
	}
	if _, err := AppendBinary(nil, 3, &m); err == nil {
		t.Error("kind 3 was encoded")
	}
	m.Topic = make([]byte, 256)
	if _, err := AppendBinary(nil, KindPush, &m); err == nil {
		t.Error("a topic of 256 B was encoded")
	}
}

func TestReply(t *testing.T) {
	for _, c := range []struct {
		name, in         string
		binary           bool
		status, response string // "" for an error
	}{
		{"text", `["1","1","t","phx_reply",{"status":"ok","response":{"id":"a"}}]`, false, "ok", `{"id":"a"}`},
		{"other order, escape", `[1,1,"t","phx_reply",{"response" : null ,"status":"\u006fk"}]`, false, "ok", `null`},
		{"binary", "\x01\x01\x01\x01\x0511terror\x00", true, "error", "\x00"},
		{"no status", `["1","1","t","phx_reply",{"response":{}}]`, false, "", ""},
		{"status is a number", `["1","1","t","phx_reply",{"status":1,"response":{}}]`, false, "", ""},
		{"no response", `["1","1","t","phx_reply",{"status":"ok"}]`, false, "", ""},
		{"no object", `["1","1","t","phx_reply",[]]`, false, "", ""},
		{"binary broadcast", "\x02\x01\x01te", true, "", ""},
	} {
		var m Message
		if err := m.Decode(V2, c.binary, []byte(c.in)); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		status, response, err := m.Reply()
		if c.status == "" {
			if err == nil {
				t.Errorf("%s: no error", c.name)
			}
		} else if string(status) != c.status || string(response) != c.response || err != nil {
			t.Errorf("%s: %q %q %v", c.name, status, response, err)
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ text, quoted string }{
		{"", `""`},
		{"plain and longer than eight", `"plain and longer than eight"`},
		{"quote \" backslash \\ slash /", `"quote \" backslash \\ slash /"`},
		{"\n\r\t\x00\x1f\x7f", `"\n\r\t\u0000\u001f` + "\x7f" + `"`},
		{"é 😀 \u2028", `"é 😀 ` + "\u2028" + `"`},
	} {
		if got := string(AppendString(nil, []byte(c.text))); got != c.quoted {
			t.Errorf("AppendString(%q) = %s, want %s", c.text, got, c.quoted)
		}
		if got, ok := AppendUnquoted(nil, []byte(c.quoted)); !ok || string(got) != c.text {
			t.Errorf("AppendUnquoted(%s) = %q, %t, want %q", c.quoted, got, ok, c.text)
		}
	}
	if got := AppendString(nil, []byte("a\xffb\xc3")); string(got) != `"a�b�"` || !utf8.Valid(got) {
		t.Errorf("bytes that are not UTF-8 became %q", got)
	}
	for _, raw := range []string{"", `"`, "1", "null", `{"a":"b"}`} {
		if got, ok := AppendUnquoted([]byte("x"), []byte(raw)); ok || string(got) != "x" {
			t.Errorf("AppendUnquoted(%q) = %q, %t", raw, got, ok)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for vsn, want := range map[string]Version{
		"": V1, "1.0.0": V1, "1": V1, "1.4": V1, "2.0.0": V2, "2": V2, "2.1.0": V2,
		"0.9": 0, "3.0.0": 0, "20.0": 0, "2.": 0, "2.x": 0, "v2": 0, ".": 0, "2.0.0 ": 0,
		strings.Repeat("v", 5000): 0, "2." + strings.Repeat("v", 5000): 0,
	} {
		got, err := ParseVersion(vsn)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("ParseVersion(%q) = %d, %v, want %d", vsn, got, err, want)
		}
		if err != nil && len(err.Error()) > 100 {
			t.Errorf("ParseVersion gives back all that it got: %v", err)
		}
		if want != 0 {
			if again, err := ParseVersion(got.String()); again != got || err != nil {
				t.Errorf("%v does not parse as itself", got)
			}
		}
	}
}
