package phoenix

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// show renders what Decode is to find, nil as null.
func show(m *Message) string {
	ref := func(b []byte, number bool) string {
		switch {
		case b == nil:
			return "null"
		case number:
			return string(b)
		}
		return fmt.Sprintf("%q", b)
	}
	s := fmt.Sprintf("%s %s %q %q %s", ref(m.JoinRef, m.JoinRefNumber), ref(m.Ref, m.RefNumber), m.Topic, m.Event, m.Payload)
	if m.Binary {
		s += fmt.Sprintf(" binary %d %s", m.Kind, m.Status)
	}
	return s
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name   string
		v      Version
		binary bool
		in     string
		want   string
	}{
		{"join of phoenix.js", V2, false, `["3","3","room:a","phx_join",{"user":"u"}]`, `"3" "3" "room:a" "phx_join" {"user":"u"}`},
		{"heartbeat of phoenix.js", V2, false, `[null,"7","phoenix","heartbeat",{}]`, `null "7" "phoenix" "heartbeat" {}`},
		{"broadcast", V2, false, `[null,null,"t","e",null]`, `null null "t" "e" null`},
		{"space everywhere", V2, false, " [ \"1\"\t,\n\"2\" , \"t\" , \"e\" , { \"a\" : [ ] } ]\r\n", `"1" "2" "t" "e" { "a" : [ ] }`},
		{"refs that are numbers", V2, false, `[1,2,"t","e",-1.5e+3]`, `1 2 "t" "e" -1.5e+3`},
		{"one ref that is a number", V2, false, `["1",2,"t","e",0]`, `"1" 2 "t" "e" 0`},
		{"empty strings", V2, false, `["","","","",""]`, `"" "" "" "" ""`},
		{"escapes", V2, false, `["\u0031","a\/b","\ud83d\ude00\n","\"\\\b\f\r\t","\ud83d\ude00"]`, `"1" "a/b" "😀\n" "\"\\\b\f\r\t" "\ud83d\ude00"`},
		{"half of a pair", V2, false, `[null,"\ud83d","\ude00x","\ud83d\ud83d\ude00",1]`, `null "�" "�x" "�😀" 1`},
		{"sixth element", V2, false, `[null,null,"t","e",{},{"x":1},7]`, `null null "t" "e" {}`},
		{"V1 join", V1, false, `{"topic":"room:a","event":"phx_join","payload":{},"ref":"1"}`, `null "1" "room:a" "phx_join" {}`},
		{"V1 of phoenix.js since 1.3", V1, false, `{"topic":"t","event":"e","payload":{"a":1},"ref":"2","join_ref":"1"}`, `"1" "2" "t" "e" {"a":1}`},
		{"V1 in another order, more members", V1, false, `{"x":{"topic":1},"ref":null,"payload":[],"event":"e" , "topic":"t","y":"\u0000"}`, `null null "t" "e" []`},
		{"V1 without ref", V1, false, `{"topic":"t","event":"e","payload":null}`, `null null "t" "e" null`},
		{"V1 names with escapes", V1, false, `{"\u0074opic":"t","even\u0074":"e","payload":true,"ref":4}`, `null 4 "t" "e" true`},
		{"V1, the last of two", V1, false, `{"topic":"a","topic":"b","event":"e","payload":1,"payload":2,"ref":1,"ref":"2"}`, `null "2" "b" "e" 2`},
		{"binary push", V2, true, "\x00\x02\x03\x05\x0512123topicevent\x01\xff", `"12" "123" "topic" "event" ` + "\x01\xff binary 0 "},
		{"binary push without refs", V2, true, "\x00\x00\x00\x01\x01te", `null null "t" "e"  binary 0 `},
		{"binary reply", V2, true, "\x01\x02\x03\x05\x0212123topicokabc", `"12" "123" "topic" "phx_reply" abc binary 1 ok`},
		{"binary broadcast", V2, true, "\x02\x05\x05topiceventabc", `null null "topic" "event" abc binary 2 `},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m Message
			if err := m.Decode(c.v, c.binary, []byte(c.in)); err != nil {
				t.Fatalf("Decode(%q): %v", c.in, err)
			}
			if got := show(&m); got != c.want {
				t.Errorf("Decode(%q)\n got %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		v      Version
		binary bool
		in     string
		want   string
	}{
		{V2, false, ``, "byte 0: ends where an array should be"},
		{V2, false, `{}`, "byte 0: an array expected"},
		{V2, false, `[]`, "byte 1: a ref expected"},
		{V2, false, `[null,"1","t","e"]`, "byte 17: fewer than five elements"},
		{V2, false, `[null,"1","t","e",{}`, "byte 20: ends where a comma or an end should be"},
		{V2, false, `[null,"1","t","e",{}] x`, "byte 22: more behind the end"},
		{V2, false, `[null,"1",null,"e",{}]`, "byte 10: the topic expected"},
		{V2, false, `[null,"1","t",1,{}]`, "byte 14: the event expected"},
		{V2, false, `[true,"1","t","e",{}]`, "byte 1: a ref expected"},
		{V2, false, `[nil,"1","t","e",{}]`, "byte 1: a value expected"},
		{V2, false, `[null,01,"t","e",{}]`, "byte 7: a comma expected"},
		{V2, false, `[null,null,"t","e",{"a":tru}]`, "byte 24: a value expected"},
		{V2, false, `[null,null,"t","e",{"a" 1}]`, "byte 24: a colon expected"},
		{V2, false, `[null,null,"t","e",{"a":1,}]`, "byte 26: a name expected"},
		{V2, false, `[null,null,"t","e",[1,]]`, "byte 22: a value expected"},
		{V2, false, `[null,null,"t","e",[1}]`, "byte 21: a comma or an end expected"},
		{V2, false, `[null,null,"t","e","\x"]`, "byte 20: unknown escape"},
		{V2, false, `[null,null,"t","e","\u12g4"]`, "byte 20: escape without four hexadecimal digits"},
		{V2, false, `[null,null,"t","e","` + "\n" + `"]`, "byte 20: control character in a string"},
		{V2, false, `[null,null,"t","e","\`, "byte 21: ends where an escape should be"},
		{V2, false, `[null,null,"t","e","abc`, "byte 23: ends where the end of a string should be"},
		{V2, false, `[null,null,"t","e",-]`, "byte 20: a digit expected"},
		{V2, false, `[null,null,"t","e",1.]`, "byte 21: a digit expected"},
		{V2, false, `[null,null,"t","e",1e+`, "byte 22: ends where a digit should be"},
		{V2, false, `[null,null,"` + strings.Repeat("t", MaxTopic+1) + `","e",1]`, "byte 11: topic is too long"},
		{V2, false, `[null,null,"t","` + strings.Repeat("e", MaxEvent+1) + `",1]`, "byte 15: event is too long"},
		{V2, false, `[null,` + strings.Repeat("1", MaxRef+1) + `,"t","e",1]`, "byte 6: ref is too long"},
		{V2, false, `[null,null,"t","e",` + deep(MaxDepth+1) + `]`, "byte 83: nested too deep"},
		{V1, false, `[]`, "byte 0: an object expected"},
		{V1, false, `{}`, "byte 2: no topic"},
		{V1, false, `{"topic":"t"}`, "byte 13: no event"},
		{V1, false, `{"topic":"t","event":"e"}`, "byte 25: no payload"},
		{V1, false, `{"topic":"t","event":"e","payload":1;}`, "byte 36: a comma or an end expected"},
		{V1, true, "\x00\x00\x00\x01\x01te", "byte 0: binary message in version 1"},
		{V2, true, "", "byte 0: empty binary message"},
		{V2, true, "\x03\x00\x00\x00\x00", "byte 0: unknown kind of binary message"},
		{V2, true, "\x00\x00\x00", "byte 3: binary message ends in its header"},
		{V2, true, "\x02\x01\x02te", "byte 5: binary message ends in its header"},
		{V2, true, "\x02\x01\x01\xffe", "byte 3: binary message has a header that is not UTF-8"},
	} {
		var m Message
		err := m.Decode(c.v, c.binary, []byte(c.in))
		var at *DecodeError
		if !errors.As(err, &at) || err.Error() != c.want {
			t.Errorf("Decode(%q): %v, want %s", c.in, err, c.want)
		}
	}
	var m Message
	if err := m.Decode(V2, false, []byte(`[null,null,"`+strings.Repeat("é", MaxTopic/2)+`","e",`+deep(MaxDepth)+`]`)); err != nil {
		t.Errorf("at the limits: %v", err)
	}
}
