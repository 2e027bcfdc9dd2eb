package phoenix

import "testing"

func TestRelay(t *testing.T) {
	for _, c := range []struct{ name, in, to, want string }{
		{"empty", `{}`, "<nil>", `{"from":"me"}`},
		{"empty with space", " { } ", "<nil>", ` {"from":"me" } `},
		{"to", `{"to":"p1","sdp":"v=0\r\n"}`, "p1", `{"from":"me","to":"p1","sdp":"v=0\r\n"}`},
		{"empty to", `{"to":""}`, "", `{"from":"me","to":""}`},
		{"to is null", `{"to":null}`, "<nil>", `{"from":"me","to":null}`},
		{"to with an escape", `{"to":"\u0070\n1"}`, "p\n1", `{"from":"me","to":"\u0070\n1"}`},
		{"name with an escape", `{"\u0074o":"p1"}`, "p1", `{"from":"me","\u0074o":"p1"}`},
		{"to further down", `{"a":{"to":"x","from":"y"},"b":[{"to":"z"}]}`, "<nil>", `{"from":"me","a":{"to":"x","from":"y"},"b":[{"to":"z"}]}`},
		{"a forged from", `{"to":"p1","from":"you","x":1}`, "p1", `{"to":"p1","from":"me","x":1}`},
		{"a from of another type", `{"from" : {"from":[1,2]} , "to" : "p1"}`, "p1", `{"from" : "me" , "to" : "p1"}`},
		{"a forged from with an escape", `{"fro\u006d":1}`, "<nil>", `{"fro\u006d":"me"}`},
	} {
		var f Fields
		if err := ScanRelay([]byte(c.in), &f); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		to := string(f.To)
		if f.To == nil {
			to = "<nil>"
		}
		if to != c.to {
			t.Errorf("%s: to is %q, want %q", c.name, to, c.to)
		}
		if got := string(AppendFrom([]byte("x"), []byte(c.in), &f, []byte("me"))); got != "x"+c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got[1:], c.want)
		}
	}
}

func TestScanRelayErrors(t *testing.T) {
	for in, want := range map[string]string{
		``:                          "byte 0: ends where an object should be",
		`[]`:                        "byte 0: an object expected",
		`"to"`:                      "byte 0: an object expected",
		`null`:                      "byte 0: an object expected",
		`{"to":1}`:                  "byte 6: a string as to expected",
		`{"to":{"to":"a"}}`:         "byte 6: a string as to expected",
		`{"to":"a","to":"b"}`:       "byte 15: a second to",
		`{"to":null,"\u0074o":"b"}`: "byte 21: a second to",
		`{"from":1,"x":1,"from":2}`: "byte 23: a second from",
		`{"to":"a"} ` + "\x00":      "byte 11: more behind the end",
		`{"to":"a"`:                 "byte 9: ends where a comma or an end should be",
	} {
		if err := ScanRelay([]byte(in), new(Fields)); err == nil || err.Error() != want {
			t.Errorf("ScanRelay(%q): %v, want %s", in, err, want)
		}
	}
}

func TestMember(t *testing.T) {
	for _, c := range []struct {
		in, raw string
		ok, bad bool
	}{
		{`{"k":"v"}`, `"v"`, true, false},
		{`{"a":{"k":1},"k": {"x" : [1]} }`, `{"x" : [1]}`, true, false},
		{`{"k":1,"k":2}`, `2`, true, false},
		{`{"\u006b":null}`, `null`, true, false},
		{`{"a":{"k":1}}`, ``, false, false},
		{`{}`, ``, false, false},
		{`[]`, ``, false, true},
		{`{"k":1,}`, ``, false, true},
		{`{"k":1}{`, ``, false, true},
	} {
		raw, ok, err := Member([]byte(c.in), "k")
		if string(raw) != c.raw || ok != c.ok || (err != nil) != c.bad {
			t.Errorf("Member(%s) = %q, %t, %v", c.in, raw, ok, err)
		}
	}
}
