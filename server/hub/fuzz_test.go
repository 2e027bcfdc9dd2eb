package hub_test

import (
	"bytes"
	"fmt"
	"testing"

	"signalbench/server/engine"
	"signalbench/server/hub"
	"signalbench/server/phoenix"
)

// FuzzHub lets four connections, two of each version, send lines: the first byte
// says who sends, or leaves, and how. Nothing panics, all that comes back can be
// decoded, no relay carries a sender's own "from", and when all have gone, no room
// is left.
func FuzzHub(f *testing.F) {
	f.Add([]byte("a[\"1\",\"1\",\"room:x\",\"phx_join\",{\"user\":\"u\"}]\nc{\"topic\":\"room:x\",\"event\":\"phx_join\",\"payload\":{\"everyone\":true},\"ref\":\"1\"}\n" +
		"a[\"1\",\"2\",\"room:x\",\"chat\",{\"a\":1}]\na[\"1\",\"3\",\"room:x\",\"offer\",{\"to\":\"$\"}]\nd\n"))
	f.Add([]byte("b[1,1,\"room:y\",\"phx_join\",{\"meta\":[],\"ack\":false}]\nb[1,2,\"room:y\",\"phx_join\",{}]\nb[2,2,\"room:y\",\"phx_leave\",{}]\nb[null,\"2\",\"phoenix\",\"heartbeat\",{}]\n"))
	f.Add([]byte("a[\"1\",\"1\",\"room:x\",\"phx_join\",{}]\nB\x00\x01\x01\x06\x05" + "11room:xevent!\nA\x00\x01\x01\x06\x05" + "12room:xevent!\n"))
	f.Fuzz(func(t *testing.T, script []byte) {
		h := newHub(t, func(c *hub.Config) { c.RoomsPerConn, c.PresenceLimit, c.PresencePeriod, c.QueueLen = 3, 2, 1, 2 })
		var conns [4]*fake
		versions := [4]phoenix.Version{phoenix.V2, phoenix.V2, phoenix.V1, phoenix.V1}
		id := []byte("nobody") // who joined last, $ in a line
		for line := range bytes.Lines(script) {
			line = bytes.TrimSuffix(line, []byte("\n"))
			if len(line) == 0 {
				continue
			}
			i, p := line[0]%4, line[1:]
			c := conns[i]
			if c == nil {
				c = open(h, fmt.Sprintf("vsn=%d", versions[i]), nil, nil)
				conns[i] = c
			}
			p = bytes.ReplaceAll(p, []byte("$"), id)
			switch {
			case len(p) == 0:
				h.Closed(c, nil)
				conns[i] = nil
			case line[0] < 'a':
				h.Message(c, engine.OpBinary, p)
			default:
				h.Message(c, engine.OpText, bytes.ToValidUTF8(p, []byte("?"))) // engines let nothing else through
			}
			if c.closed != nil {
				h.Closed(c, nil)
				conns[i] = nil
			}
			for j, c := range conns {
				if c == nil {
					continue
				}
				got := c.taken()
				check(t, versions[j], got)
				for _, text := range got {
					if m := idPattern.FindStringSubmatch(text); m != nil && len(m[1]) == 11 {
						id = []byte(m[1])
					}
				}
			}
		}
		for _, c := range conns {
			if c != nil {
				h.Closed(c, nil)
			}
		}
		if st := h.Stats(); st.Rooms != 0 || st.Members != 0 {
			t.Errorf("%d rooms with %d members are left", st.Rooms, st.Members)
		}
	})
}

// check decodes what a connection got.
func check(t *testing.T, v phoenix.Version, got []string) {
	for _, text := range got {
		if len(text) > 7 && text[:7] == "binary " {
			var p string
			if _, err := fmt.Sscanf(text, "binary %q", &p); err != nil {
				t.Fatal(err)
			}
			var m phoenix.Message
			if err := m.Decode(v, true, []byte(p)); err != nil || m.Kind != phoenix.KindBroadcast {
				t.Fatalf("%q: %v", p, err)
			}
			continue
		}
		var m phoenix.Message
		if err := m.Decode(v, false, []byte(text)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		switch string(m.Event) {
		case phoenix.ReplyEvent:
			status, response, err := m.Reply()
			if err != nil || string(status) != phoenix.OK && string(status) != phoenix.Error {
				t.Fatalf("%s: %v", text, err)
			}
			if _, ok, err := phoenix.Member(response, "reason"); err != nil || ok != (string(status) == phoenix.Error) {
				t.Fatalf("%s: reason %t, %v", text, ok, err)
			}
		case "offer", "answer", "candidate":
			from, _, err := phoenix.Member(m.Payload, "from")
			if err != nil || len(from) != 13 {
				t.Fatalf("%s is from %s, %v", text, from, err)
			}
		}
	}
}
