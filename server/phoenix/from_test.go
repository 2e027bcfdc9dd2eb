package phoenix

import "testing"

// A broadcast may have any "to".
func TestScanFrom(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{}`, `{"from":"me"}`},
		{`{"to":5,"to":[1]}`, `{"from":"me","to":5,"to":[1]}`},
		{`{"a":1, "from" : {"x":1} }`, `{"a":1, "from" : "me" }`},
		{`{"fr\u006fm":"you"}`, `{"fr\u006fm":"me"}`},
		{`{"from":1,"from":2}`, ""},
		{`[]`, ""},
	} {
		var f Fields
		err := ScanFrom([]byte(c.in), &f)
		if (err != nil) != (c.want == "") {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if err == nil {
			if got := string(AppendFrom(nil, []byte(c.in), &f, []byte("me"))); got != c.want || f.To != nil {
				t.Errorf("%s became %s with to %q, want %s", c.in, got, f.To, c.want)
			}
		}
	}
}
