package phoenix

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// textSeeds are messages of one version that say something about JSON.
func textSeeds(f *testing.F, wrap func(payload string) string) {
	for _, payload := range []string{
		`{}`, `null`, ` {"a" : [1, -0.5e+10, true, false, null, {"b":"c"}] } `, `"\ud83d\ude00\ud83d\u0041\/\b\f\n\r\t\\\""`,
		`[[],{},[[]],{"a":{}}]`, `01`, `1.`, `-`, `1e`, `"\u12g4"`, "\"\x01\"", `{"a":1,}`, `[1,]`, `{"a"}`, `]`, `{"to":"p","from":1}`,
		`"0123456\"89` + "\x7f\u00e9\U0001f600\xff" + `"`, strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		f.Add([]byte(wrap(payload)))
	}
}

// again encodes m, decodes it and finds the same.
func again(t *testing.T, v Version, m *Message) {
	p := Append(nil, v, m)
	var back Message
	if err := back.Decode(v, false, p); err != nil {
		t.Fatalf("%s became %q: %v", show(m), p, err)
	}
	if got, want := show(&back), show(m); got != want {
		t.Fatalf("round trip through %q\n got %s\nwant %s", p, got, want)
	}
	if !json.Valid(p) {
		t.Fatalf("encoded as %q", p)
	}
}

func FuzzDecodeV1(f *testing.F) {
	textSeeds(f, func(p string) string { return `{"topic":"room:a","event":"e","payload":` + p + `,"ref":"1"}` })
	f.Add([]byte(`{"\u0074opic":"t","x":[{"topic":1}],"event":"e","payload":1,"payload":2,"ref":3,"join_ref":"\u0031"} `))
	f.Add([]byte(`{"topic":"t","event":"e","payload":{},"ref":null,"join_ref":-1.5}`))
	f.Fuzz(func(t *testing.T, p []byte) {
		if m := decodeAs(t, V1, false, p, oracle1); m != nil {
			again(t, V1, m)
			again(t, V2, m)
		}
	})
}

func FuzzDecodeV2(f *testing.F) {
	textSeeds(f, func(p string) string { return `["1","2","room:a","e",` + p + `]` })
	f.Add([]byte(` [ null , 12 , "t" , "\u0065" , {} , {} ] `))
	f.Add([]byte(`[1e5,null,"t","phx_reply",{"status":"ok","response":{}}]`))
	f.Fuzz(func(t *testing.T, p []byte) {
		if m := decodeAs(t, V2, false, p, oracle2); m != nil {
			again(t, V2, m)
			again(t, V1, m)
		}
	})
}

func FuzzDecodeBinary(f *testing.F) {
	for _, s := range []string{
		"\x00\x02\x03\x05\x0512123topicevent\x01\xff", "\x01\x02\x03\x05\x0212123topicokabc", "\x02\x05\x05topiceventabc",
		"\x00\x00\x00\x00\x00", "\x02\xff\xff", "\x03\x00\x00", "\x02\x01\x01\xffe",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		m := decodeAs(t, V2, true, p, oracleBinary)
		if m == nil {
			return
		}
		if back, err := AppendBinary(nil, m.Kind, m); err != nil || string(back) != string(p) {
			t.Fatalf("%q became %q, %v", p, back, err)
		}
		if status, response, err := m.Reply(); (err == nil) != (m.Kind == KindReply) || string(status) != string(m.Status) || err == nil && string(response) != string(m.Payload) {
			t.Fatalf("reply of %q: %q %q %v", p, status, response, err)
		}
	})
}

// FuzzScanRelay: what a relay hands on differs from what came in the member from
// alone, for every reader of JSON.
func FuzzScanRelay(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { } `, `{"to":"p1","sdp":"v=0\r\n"}`, `{"to":"\u0070","from":"x"}`, `{"fro\u006d":{"from":1},"to":null}`, `{"to":"a","to":"b"}`,
		`{"from":1,"from":2}`, `{"to":1}`, `[]`, `{"a":{"to":"b"}}`, `{"from":"a" , "x":[{}]}`, `{"":""}`, `{"from":`, `{"to":"a"} x`,
	} {
		f.Add([]byte(s), "me")
	}
	f.Add([]byte(`{"to":"a"}`), "\"\\\x00\xff\n")
	f.Fuzz(func(t *testing.T, p []byte, from string) {
		var f Fields
		err := ScanRelay(p, &f)
		if !utf8.Valid(p) {
			return
		}
		all, ok := oracleMembers(p)
		times := map[string]int{}
		want := map[string]any{}
		var to any
		for _, one := range all {
			times[one.name]++
			var v any
			if json.Unmarshal(one.raw, &v) != nil {
				return // a number that no float64 holds
			}
			want[one.name] = v
			raw, found, err := Member(p, one.name)
			if err != nil || !found {
				t.Fatalf("Member(%q, %q): %t, %v", p, one.name, found, err)
			}
			var last any
			if i := times[one.name]; i == countName(all, one.name) && (json.Unmarshal(raw, &last) != nil || !reflect.DeepEqual(last, v)) {
				t.Fatalf("Member(%q, %q) = %q", p, one.name, raw)
			}
			if one.name == "to" {
				to = v
			}
		}
		_, isText := to.(string)
		ok = ok && times["to"] < 2 && times["from"] < 2 && (isText || to == nil)
		if ok != (err == nil) {
			t.Fatalf("ScanRelay(%q): %v, the oracle says %t", p, err, ok)
		}
		if !ok {
			return
		}
		if isText != (f.To != nil) || isText && to != string(f.To) {
			t.Fatalf("to of %q is %q", p, f.To)
		}
		out := AppendFrom(nil, p, &f, []byte(from))
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q with from %q became %q: %v", p, from, out, err)
		}
		want["from"] = strings.Join(splitValid(from), "")
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q with from %q became %q", p, from, out)
		}
	})
}

func countName(all []member, name string) int {
	n := 0
	for _, one := range all {
		if one.name == name {
			n++
		}
	}
	return n
}

// splitValid returns the runes of s, bytes that are not UTF-8 as U+FFFD.
func splitValid(s string) []string {
	var all []string
	for _, r := range s {
		all = append(all, string(r))
	}
	return all
}
