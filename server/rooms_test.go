package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"signalbench/server/engine"
	"signalbench/server/frame"
	"signalbench/server/hub"
)

// In a room that no publisher serves in its own call, on every engine and on
// event loops with descriptor tables of their own, all members see the messages of
// several publishers, each once, all in one order.
func TestLargeRoom(t *testing.T) {
	t.Parallel()
	type stand struct {
		name   string
		entry  engine.Entry
		tables int
	}
	var stands []stand
	for _, e := range measured() {
		stands = append(stands, stand{e.Name, e, 0})
		if e.OwnTables {
			stands = append(stands, stand{e.Name + " with tables", e, 3})
		}
	}
	for _, s := range stands {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			const members, publishers, each = 130, 2, 20
			cfg := engine.DefaultConfig()
			cfg.Tables = s.tables
			rooms, err := hub.New(hub.DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(rooms.Close)
			address := serveEngine(t, s.entry, cfg, rooms).String()
			enter := func() *websocket.Conn {
				c := dial(t, address, hub.Path+"?vsn=2.0.0")
				send(t, c, `["1","1","room:x","phx_join",{"presence":false,"ack":false}]`)
				wantNext(t, c, `"phx_reply"`, `"status":"ok"`)
				return c
			}
			var receivers []*websocket.Conn
			for range members {
				receivers = append(receivers, enter())
			}
			var wg sync.WaitGroup
			for i := range publishers {
				c := enter()
				wg.Go(func() {
					for n := range each {
						text := fmt.Sprintf(`["1",null,"room:x","tick",{"publisher":%d,"n":%d}]`, i, n)
						if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			var order []string
			for i, c := range receivers {
				var got []string
				for range publishers * each {
					got = append(got, wantNext(t, c, `"tick"`))
				}
				if i == 0 {
					order = got
				} else if !slices.Equal(got, order) {
					t.Fatalf("one saw %q, another %q", got, order)
				}
			}
			if all := slices.Compact(slices.Sorted(slices.Values(order))); len(all) != publishers*each {
				t.Errorf("%d different messages came", len(all))
			}
			for _, c := range receivers {
				c.Close() // no goodbye
			}
			eventually(t, "the room is left", func() bool { return rooms.Stats().Members == publishers })
		})
	}
}

// rawJoinRequest is a bare client's request for the rooms.
var rawJoinRequest = []byte(strings.Replace(string(rawRequest), "/echo", hub.Path+"?vsn=2.0.0", 1))

// rawJoin returns the masked message with which a bare client joins a room.
func rawJoin(room int) []byte {
	text := fmt.Sprintf(`["1","1","room:%d","phx_join",{"user":"u123"}]`, room)
	head := frame.AppendHeader(nil, engine.OpText, len(text))
	head[1] |= 0x80
	return append(binary.BigEndian.AppendUint32(head, 0), text...)
}

// A peer that has joined a room of 50, with presence, costs netpoll no more than
// this in all, connection included.
func TestRoomFootprint(t *testing.T) {
	if raceEnabled || testing.CoverMode() != "" {
		t.Skip("the race detector's shadow memory is not the server's")
	}
	const first, second, size, allowed = 2_000, 9_000, 50, 600
	p := startProcess(t, nil, "--engine", "netpoll", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--quiet", "--drain-timeout", "0s")
	address, err := net.ResolveTCPAddr("tcp", p.Listen[0])
	if err != nil {
		t.Fatal(err)
	}
	var clients []bare
	defer func() {
		for _, b := range clients {
			b.close()
		}
	}()
	plateau := func(n int) (resident, heap uint64) {
		for len(clients) < n {
			b := connectBare(t, address)
			clients = append(clients, b)
			b.exchange(t, rawJoinRequest, rawResponseSize)
			b.exchange(t, rawJoin(len(clients)/size), 100) // the beginning of the reply and the presence
		}
		st := p.settle(t)
		return uint64(st.Process.Anon), st.Go.HeapLive
	}
	resident, heap := plateau(first)
	grown, live := plateau(second)
	slope := func(before, after uint64) float64 { return (float64(after) - float64(before)) / (second - first) }
	t.Logf("%.0f B resident, %.0f B of heap for each peer", slope(resident, grown), slope(heap, live))
	if each := slope(resident, grown); each > allowed {
		t.Errorf("a peer in a room costs %.0f B, want at most %d B", each, allowed)
	}
}
