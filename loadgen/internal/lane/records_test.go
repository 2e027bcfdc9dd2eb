package lane_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

// records is a lane's Config for messages of 4 bytes.
func records(c *lane.Config) { c.Dialect = lane.Records(4) }

// A connection without a handshake is open as soon as it is established, also within
// the dial, and no byte is sent that the workload does not send.
func TestRecordsOpenAtOnce(t *testing.T) {
	for _, latency := range []time.Duration{0, time.Millisecond} {
		var came bytes.Buffer
		n := &wiretest.Net{Latency: latency, Bytes: func(_ *wiretest.Peer, b []byte) { came.Write(b) }}
		s := &script{dial: 3}
		perform(t, n, s, records)
		if s.opens != 3 || s.l.Open() != 3 || s.shard.Dials.Upgraded != 3 || came.Len() != 0 {
			t.Errorf("latency %v: %d opened, %d open, %d counted, %q sent", latency, s.opens, s.l.Open(), s.shard.Dials.Upgraded, &came)
		}
	}
}

// However the stream is cut, every 4 bytes of it are a message.
func TestRecordsAreCutByLength(t *testing.T) {
	const stream = "aaaabbbbccccdddd"
	for size := 1; size <= len(stream); size++ {
		n := &wiretest.Net{Bytes: func(p *wiretest.Peer, b []byte) {
			if string(b) != "ping" {
				t.Errorf("the server got %q", b)
			}
			for part := range slices.Chunk([]byte(stream), size) {
				p.Write(part)
			}
		}}
		s := &script{dial: 1}
		s.opened = func(c wire.Conn) { s.l.Send(c, frame.Binary, []byte("pi"), []byte("ng")) }
		perform(t, n, s, records)
		if want := []string{"aaaa", "bbbb", "cccc", "dddd"}; !slices.Equal(s.messages, want) {
			t.Errorf("in pieces of %d: %q", size, s.messages)
		}
	}
}

// Such a connection is closed by the end of this side's stream, and the server's
// answer is the end of its own: no loss, as with a closing handshake.
func TestRecordsShut(t *testing.T) {
	var peer *wiretest.Peer
	n := &wiretest.Net{Latency: time.Millisecond, Bytes: func(p *wiretest.Peer, _ []byte) { peer = p }}
	s := &script{dial: 1}
	s.opened = func(c wire.Conn) {
		s.l.Send(c, frame.Binary, nil, []byte("last"))
		s.l.Shut(c)
	}
	perform(t, n, s, records)
	if peer == nil || !peer.Finished || !slices.Equal(s.causes, []results.Cause{""}) || s.shard.Dials.Lost != 0 || s.l.Closing() != 0 {
		t.Errorf("peer %+v, ended with %q, lost %d, closing %d", peer, s.causes, s.shard.Dials.Lost, s.l.Closing())
	}
}

// What is cut off is whole records, in order and without a byte lost.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("aaaabbbbcc"), uint8(4))
	f.Add([]byte{}, uint8(8))
	f.Fuzz(func(t *testing.T, p []byte, size uint8) {
		r := lane.Records(max(1, size))
		var joined []byte
		for rest := p; ; {
			h, payload, n, err := r.Cut(rest, 0)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				if len(rest) >= int(r) {
					t.Fatalf("%d B left of records of %d B", len(rest), r)
				}
				joined = append(joined, rest...)
				break
			}
			if n != int(r) || len(payload) != n || h.Length != uint64(n) || !h.Final {
				t.Fatalf("%d B, payload of %d B, %+v", n, len(payload), h)
			}
			joined, rest = append(joined, payload...), rest[n:]
		}
		if !bytes.Equal(joined, p) {
			t.Fatalf("%q became %q", p, joined)
		}
	})
}
