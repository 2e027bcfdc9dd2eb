package main

import (
	"slices"
	"testing"

	"signalbench/loadgen/internal/trial"
	"signalbench/server/phoenix"
)

// Flags become a protocol: what is not given follows from the workload.
func TestProtocol(t *testing.T) {
	text := `{"a":1}`
	for _, tc := range []struct {
		name   string
		flags  runCommand
		topic  string
		swarm  uint32
		join   string
		push   string
		url    string
		vsn    phoenix.Version
		binary bool
	}{
		{"defaults", runCommand{JoinPayload: "{}", Payload: 12}, "room:bench", 0, "{}", `{"pad":"00"}`, "ws://h:1/socket/websocket?vsn=2.0.0", phoenix.V2, false},
		{"all given", runCommand{Vsn: "1.0.0", Topic: "t:{n}", JoinPayload: "[]", PushPayload: &text, Payload: 5}, "t:{n}", 0, "[]", text, "ws://h:1/socket/websocket?vsn=1.0.0", phoenix.V1, false},
		{"binary", runCommand{JoinPayload: "{}", Payload: 3, Binary: true}, "room:bench", 0, "{}", "000", "ws://h:1/socket/websocket?vsn=2.0.0", phoenix.V2, true},
		{"signal", runCommand{JoinPayload: "{}", Payload: 12, Workload: []string{trial.Hold, trial.Signal}, Swarm: 7}, "room:s{n}", 7, "{}", `{"pad":"00"}`, "ws://h:1/socket/websocket?vsn=2.0.0", phoenix.V2, false},
		{"signal in rooms of another name", runCommand{JoinPayload: "{}", Payload: 12, Workload: []string{trial.Signal}, Swarm: 7, Topic: "room:x{n}"}, "room:x{n}", 7, "{}", `{"pad":"00"}`, "ws://h:1/socket/websocket?vsn=2.0.0", phoenix.V2, false},
	} {
		tc.flags.URL, tc.flags.Proto, tc.flags.Event = []string{"ws://h:1"}, "phoenix", "echo"
		p, urls, err := tc.flags.protocol()
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if p.Topic != tc.topic || p.Swarm != tc.swarm || string(p.Join) != tc.join || string(p.Push) != tc.push || p.Version != tc.vsn || p.Binary != tc.binary || !slices.Equal(urls, []string{tc.url}) {
			t.Errorf("%s: %+v, %q", tc.name, p, urls)
		}
	}
	if p, urls, err := (&runCommand{URL: []string{"ws://h:1"}}).protocol(); p != nil || err != nil || urls[0] != "ws://h:1" {
		t.Errorf("no protocol: %v, %q, %v", p, urls, err)
	}
	if _, _, err := (&runCommand{Proto: "phoenix", URL: []string{"ws://h:1", "ws://h:2/?vsn=1.0.0"}, JoinPayload: "{}", Payload: 12}).protocol(); err == nil {
		t.Error("two versions were taken")
	}
}
