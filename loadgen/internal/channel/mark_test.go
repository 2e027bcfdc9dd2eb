package channel

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// Joins of workload signal are objects with what the user gave, and what the workload
// needs.
func TestMarked(t *testing.T) {
	for _, own := range []string{`{}`, ` { } `, `{"user":"u"}`, "\n{ \"user\" : \"u\", \"presence\":true }\n"} {
		if err := CheckMarked([]byte(own)); err != nil {
			t.Fatalf("%s: %v", own, err)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(own), &want); err != nil {
			t.Fatal(err)
		}
		want["ack"] = false
		var got map[string]any
		if p := Quiet([]byte(own)); json.Unmarshal(p, &got) != nil || !maps.Equal(got, want) {
			t.Errorf("%s: quiet is %s", own, p)
		}
		want["meta"] = `a\"b`
		clear(got)
		if p := AppendMarked([]byte("x"), []byte(`a\"b`), Tail([]byte(own))); p[0] != 'x' || json.Unmarshal(p[1:], &got) != nil || !maps.Equal(got, want) {
			t.Errorf("%s: marked is %s", own, p)
		}
	}
	for own, says := range map[string]string{`[]`: "is no object", `null`: "is no object", `{`: "is no object", `{"ack":true}`: `a member "ack"`, `{"meta":{}}`: `a member "meta"`} {
		if err := CheckMarked([]byte(own)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", own, err, says)
		}
	}
}
