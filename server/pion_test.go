//go:build browser

package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"
)

// A goPeer is in the demo's room and no browser: it speaks the wire of the rooms by
// hand and WebRTC by pion.
type goPeer struct {
	t  *testing.T
	c  *websocket.Conn
	pc *webrtc.PeerConnection
	to string // the peer that it signals with

	heard chan string
	send  chan []byte // to the server, from whatever goroutine
}

// description and candidate are what the demo's pages send one another.
type (
	description struct {
		To          string                     `json:"to"`
		Description *webrtc.SessionDescription `json:"description"`
	}
	candidate struct {
		To        string                  `json:"to"`
		Candidate webrtc.ICECandidateInit `json:"candidate"`
	}
)

// newGoPeer joins the room.
func newGoPeer(t *testing.T, address string) *goPeer {
	t.Helper()
	var engine webrtc.SettingEngine
	engine.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(engine)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	p := &goPeer{t: t, c: dial(t, address, "/socket/websocket?vsn=2.0.0"), pc: pc, heard: make(chan string, 8), send: make(chan []byte, 64)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m := range p.send {
			if m == nil {
				return
			}
			if err := p.c.WriteMessage(websocket.TextMessage, m); err != nil {
				t.Errorf("sending %s: %v", m, err)
			}
		}
	}()
	t.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
		p.send <- nil
		<-done
	})
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c != nil {
			p.push("candidate", candidate{p.to, c.ToJSON()})
		}
	})
	p.push("phx_join", map[string]any{"user": "Gopher", "ack": false, "everyone": true})
	return p
}

// push sends an event to the room.
func (p *goPeer) push(event string, payload any) {
	m, err := json.Marshal([]any{"1", "1", "room:lobby", event, payload})
	if err != nil {
		p.t.Error(err)
	}
	p.send <- m
}

// offer sends an offer for a data channel to the other who is in the room.
func (p *goPeer) offer() *webrtc.DataChannel {
	p.t.Helper()
	channel, err := p.pc.CreateDataChannel("chat", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	channel.OnMessage(func(m webrtc.DataChannelMessage) { p.heard <- string(m.Data) })
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.pc.SetLocalDescription(offer); err != nil {
		p.t.Fatal(err)
	}
	p.push("offer", description{p.to, &offer})
	return channel
}

// meet reads what comes from the server until the data channel is open.
func (p *goPeer) meet(user string) *webrtc.DataChannel {
	p.t.Helper()
	var channel *webrtc.DataChannel
	var early []webrtc.ICECandidateInit // before the answer
	opened := make(chan struct{})
	for {
		select {
		case <-opened:
			return channel
		default:
		}
		var m []json.RawMessage
		var event string
		if err := json.Unmarshal([]byte(wantNext(p.t, p.c)), &m); err != nil || json.Unmarshal(m[3], &event) != nil {
			p.t.Fatalf("message %s: %v", m, err)
		}
		switch event {
		case "presence_state":
			for id, entry := range decoded[map[string]struct{ Metas []struct{ User string } }](p.t, m[4]) {
				if entry.Metas[0].User == user {
					p.to = id
				}
			}
			channel = p.offer()
			channel.OnOpen(func() {
				close(opened)
				p.push("opened", nil) // comes back and ends the wait for a message
			})
		case "answer":
			if err := p.pc.SetRemoteDescription(*decoded[description](p.t, m[4]).Description); err != nil {
				p.t.Fatal(err)
			}
		case "candidate":
			early = append(early, decoded[candidate](p.t, m[4]).Candidate)
		}
		if p.pc.RemoteDescription() == nil {
			continue
		}
		for _, c := range early {
			if err := p.pc.AddICECandidate(c); err != nil {
				p.t.Fatal(err)
			}
		}
		early = nil
	}
}

func decoded[T any](t *testing.T, raw []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// A peer written in Go and a page in the browser hear each other.
func TestGoPeerAndBrowser(t *testing.T) {
	browser := startBrowser(t)
	for _, engine := range []string{"gobwas", "netpoll", "gorilla"} {
		t.Run(engine, func(t *testing.T) {
			p := startProcess(t, nil, "--engine", engine, "--listen", "127.0.0.1:0", "--demo", "127.0.0.1:0", "--quiet")
			ada := openTab(t, browser, p.Demo+"?room=lobby&name=Ada&auto=1")
			ada.until(`document.body.dataset.state === "joined"`)
			gopher := newGoPeer(t, p.Listen[0])
			channel := gopher.meet("Ada")
			if err := channel.SendText("hello from Go"); err != nil {
				t.Fatal(err)
			}
			ada.hears("hello from Go")
			select {
			case text := <-gopher.heard:
				if text != "hello from Ada" { // what a page with auto=1 says first
					t.Errorf("heard %q", text)
				}
			case <-time.After(patience):
				t.Error("heard nothing")
			}
			if got := fmt.Sprint(gopher.pc.ConnectionState()); got != "connected" {
				t.Errorf("the connection is %s", got)
			}
		})
	}
}
