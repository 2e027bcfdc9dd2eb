package channel

import (
	"encoding/json"
	"slices"
	"testing"

	"signalbench/server/phoenix"
)

func metasOf(event, payload string) (all []string) {
	w := Present(&phoenix.Message{Event: []byte(event), Payload: []byte(payload)})
	for meta, ok := w.Next(); ok; meta, ok = w.Next() {
		all = append(all, string(meta))
	}
	return all
}

func TestPresent(t *testing.T) {
	for _, tc := range []struct {
		event, payload string
		want           []string
	}{
		{phoenix.PresenceState, `{}`, nil},
		{phoenix.PresenceState, `{"p1":{"metas":[{"phx_ref":"F1","meta":"one"}]},"p2":{"metas":[{"phx_ref":"F2"}]}}`, []string{`"one"`, ""}},
		{phoenix.PresenceState, `{ "a\"}" : { "x":[{"meta":9}], "metas" : [ {"meta":{"a":[1,"]"]}} , {"meta":null} ] } , "b":{"metas":[]} }`, []string{`{"a":[1,"]"]}`, "null"}},
		{phoenix.PresenceDiff, `{"joins":{"p1":{"metas":[{"meta":1.5e3}]}},"leaves":{"p2":{"metas":[{"meta":2}]}}}`, []string{"1.5e3"}},
		{phoenix.PresenceDiff, `{"leaves":{"p2":{"metas":[{"meta":2}]}},"joins":{}}`, nil},
		{phoenix.PresenceDiff, `{}`, nil},
		{phoenix.PresenceState, `[1]`, nil},
		{phoenix.PresenceState, `{"p1":17,"p2":"x","p3":true,"p4":{"metas":7},"p5":{"metas":[{"meta":"y"}]}}`, []string{`"y"`}},
	} {
		if got := metasOf(tc.event, tc.payload); !slices.Equal(got, tc.want) {
			t.Errorf("%s %s: %q, want %q", tc.event, tc.payload, got, tc.want)
		}
	}
}

// Of valid JSON everything is found that encoding/json finds, in order where names
// do not repeat; nothing panics.
func FuzzPresent(f *testing.F) {
	for _, s := range []string{`{}`, `{"p":{"metas":[{"meta":"m"},{"meta":[1,{"a":"}"}]}]},"q":{"metas":[]}}`, `{"a":{"metas":[{"meta":"\\\""}]}}`, `{"a":`, `{"a"`, `{"a":{"metas":[{`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var m phoenix.Message
		if m.Decode(phoenix.V2, false, slices.Concat([]byte(`[null,null,"t","presence_state",`), p, []byte(`]`))) != nil {
			metasOf(phoenix.PresenceState, string(p))
			return
		}
		var want map[string]map[string]json.RawMessage
		if json.Unmarshal(m.Payload, &want) != nil {
			return // another shape
		}
		n := 0
		for _, entry := range want {
			var metas []map[string]json.RawMessage
			if json.Unmarshal(entry["metas"], &metas) == nil {
				for _, meta := range metas {
					if meta != nil {
						n++
					}
				}
			}
		}
		if got := metasOf(phoenix.PresenceState, string(m.Payload)); len(got) < n {
			t.Errorf("%s: %d presences, want %d", m.Payload, len(got), n)
		}
	})
}
