package phoenix

import (
	_ "embed"
	"encoding/json"
	"strings"
	"testing"
)

//go:embed testdata/offer.sdp
var offerSDP string

// offer is a push as a browser's: about 1.5 KB, with all the escapes of an SDP.
func offer(tb testing.TB, v Version) []byte {
	tb.Helper()
	payload, err := json.Marshal(map[string]string{"to": "peer-2", "type": "offer", "sdp": strings.ReplaceAll(offerSDP, "\n", "\r\n")})
	if err != nil {
		tb.Fatal(err)
	}
	return Append(nil, v, &Message{JoinRef: []byte("3"), Ref: []byte("17"), Topic: []byte("room:lobby"), Event: []byte("offer"), Payload: payload})
}

// A relayer has what the relay of one message needs and uses again.
type relayer struct {
	m       Message
	f       Fields
	payload []byte
	out     []byte
	err     error
}

// relay does with one message what a hub does.
func (r *relayer) relay(v Version, p []byte) {
	if r.err = r.m.Decode(v, false, p); r.err != nil {
		return
	}
	if r.err = ScanRelay(r.m.Payload, &r.f); r.err != nil {
		return
	}
	r.payload = AppendFrom(r.payload[:0], r.m.Payload, &r.f, []byte("peer-1"))
	r.m.JoinRef, r.m.Ref, r.m.Payload = nil, nil, r.payload
	r.out = Append(r.out[:0], v, &r.m)
}

func TestRelayAllocatesNothing(t *testing.T) {
	reply := []byte(`["3","17","room:lobby","phx_reply",{"status":"\u006fk","response":{}}]`)
	binary := []byte("\x00\x01\x02\x04\x04317roomfilebytes")
	for _, v := range []Version{V1, V2} {
		p := offer(t, v)
		escaped := []byte(strings.Replace(strings.Replace(string(p), "room:", `room\u003a`, 1), "peer-2", `peer\u002d2`, 1))
		var r relayer
		for name, run := range map[string]func(){
			"relay":         func() { r.relay(v, p) },
			"relay escaped": func() { r.relay(v, escaped) },
			"reply": func() {
				r.out = AppendReply(r.out[:0], v, []byte("3"), []byte("17"), []byte("room:lobby"), OK, nil)
			},
			"reply to": func() { r.out = AppendReplyTo(r.out[:0], v, &r.m, OK, nil) },
			"decoded reply": func() {
				if r.err = r.m.Decode(V2, false, reply); r.err == nil {
					_, _, r.err = r.m.Reply()
				}
			},
			"binary": func() {
				if r.err = r.m.Decode(V2, true, binary); r.err == nil {
					r.out, r.err = AppendBinary(r.out[:0], KindBroadcast, &r.m)
				}
			},
		} {
			if n := testing.AllocsPerRun(100, run); n != 0 || r.err != nil {
				t.Errorf("%s in %v: %v allocations, %v", name, v, n, r.err)
			}
		}
	}
}

func BenchmarkRelayOffer(b *testing.B) {
	for _, v := range []Version{V1, V2} {
		b.Run(v.String(), func(b *testing.B) {
			p := offer(b, v)
			var r relayer
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				r.relay(v, p)
			}
			if r.err != nil {
				b.Fatal(r.err)
			}
		})
	}
}

func BenchmarkDecodeOffer(b *testing.B) {
	for _, v := range []Version{V1, V2} {
		b.Run(v.String(), func(b *testing.B) {
			p := offer(b, v)
			var m Message
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Decode(v, false, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
