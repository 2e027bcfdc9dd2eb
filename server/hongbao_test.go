package main

import (
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"signalbench/server/engine"
	"signalbench/server/hongbao"
	"signalbench/server/hongbao/packet"
)

// On every engine, and on event loops with descriptor tables of their own, users
// shake, are told of gifts on connections of others, and grab; what they got is what
// was given.
func TestHongbao(t *testing.T) {
	t.Parallel()
	for _, e := range measured() {
		tables := []int{0}
		if e.OwnTables {
			tables = append(tables, 3)
		}
		for _, n := range tables {
			name := e.Name
			if n > 0 {
				name += " with tables"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				const users, gifts = 8, 5 // each shakes until it was told of so many
				h, err := hongbao.New(hongbao.Config{Envelopes: 500, Gifts: 500})
				if err != nil {
					t.Fatal(err)
				}
				cfg := engine.DefaultConfig()
				cfg.Tables = n
				address := serveEngine(t, e, cfg, h).String()
				var all, in sync.WaitGroup
				in.Add(users)
				received := make([]uint64, users)
				for u := range uint32(users) {
					c := dial(t, address, hongbao.Path)
					all.Go(func() { received[u] = play(t, c, u, gifts, &in) })
				}
				all.Wait()
				var sum uint64
				for _, cents := range received {
					sum += cents
				}
				s := h.Stats()
				if given := s.Shaken.Cents + s.Grabbed.Cents; given != sum || s.Grabbed.Count < users*gifts || s.Entered.Cents != given+s.Waiting.Cents {
					t.Errorf("%d cents were received, stats %+v", sum, s)
				}
				eventually(t, "all users are gone", func() bool { return h.Stats().Users == 0 })
			})
		}
	}
}

// play is a user who shakes until so many gifts were told of, and returns what came.
func play(t *testing.T, c *websocket.Conn, user uint32, gifts int, in *sync.WaitGroup) (cents uint64) {
	defer c.Close()
	say := func(p packet.Packet) {
		if err := c.WriteMessage(websocket.BinaryMessage, p.Append(nil)); err != nil {
			t.Error(err)
		}
	}
	next := func() (p packet.Packet, ok bool) {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		op, b, err := c.ReadMessage()
		if err == nil {
			err = p.Decode(b)
		}
		if err != nil || op != websocket.BinaryMessage {
			t.Errorf("user %d got %x: %v", user, b, err)
			return p, false
		}
		return p, true
	}
	say(packet.Packet{Type: packet.Login, User: user})
	p, ok := next()
	in.Done()
	if !ok || p.Type != packet.Ack {
		t.Errorf("a login was answered with %+v", p)
		return 0
	}
	in.Wait() // gifts are for users who are there
	told, grabbed := 0, 0
	say(packet.Packet{Type: packet.Shake, User: user})
	for shaking := true; shaking || grabbed < told; {
		if p, ok = next(); !ok {
			return cents
		}
		cents += uint64(p.Amount)
		switch p.Type {
		case packet.Reply:
			if shaking = told < gifts; shaking {
				say(packet.Packet{Type: packet.Shake, User: user})
			}
		case packet.Gift:
			cents -= uint64(p.Amount) // it is only told of
			told++
			say(packet.Packet{Type: packet.Grab, User: user, ID: p.ID})
		case packet.GrabReply:
			grabbed++
			if p.Amount == 0 {
				t.Errorf("user %d grabbed nothing", user)
			}
		}
	}
	return cents
}
