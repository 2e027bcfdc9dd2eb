// Package wiretest is a transport without a network and without time: a server
// is a function, and a clock moves on only when nothing else is left to do. A
// test that runs a lane on it takes no time and always gives the same result.
//
// It is for one goroutine.
package wiretest

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Net is the transport with the server at its other end. Set the fields
// before use.
type Net struct {
	// Latency is the time from a Dial to Connected, 0 for at once, and from
	// Send to the server's reaction.
	Latency time.Duration
	// Route, if not nil, may refuse a dial.
	Route func(c wire.Conn, r wire.Route) results.Cause
	// Handshake answers an opening handshake; [Accept] if nil.
	Handshake func(p *Peer, request *http.Request)
	// Frame is told of each frame of a client, unmasked; [Echo] if nil.
	Frame func(p *Peer, f ws.Frame)
	// Bytes, if not nil, is told what a client sends, as it comes, of a server that
	// speaks no WebSocket.
	Bytes func(p *Peer, b []byte)
	// Line takes what comes on connections from FirstLine on, which are no WebSockets.
	Line      func(p *Peer, b []byte)
	FirstLine wire.Conn
	// Idle is called when nothing will ever happen again by itself.
	Idle func()
	// Choked makes backlogs full.
	Choked func(c wire.Conn) bool
	// Tick is how much time every look at the clock takes.
	Tick time.Duration

	// Dials is how often each connection was dialled.
	Dials map[wire.Conn]int
	// Most is the largest number of connections that were open at once.
	Most int

	now    time.Duration
	peers  map[wire.Conn]*Peer
	events queue
	order  int
}

// A Peer is the server's end of one connection.
type Peer struct {
	net      *Net
	Conn     wire.Conn
	in       bytes.Buffer
	upgraded bool
	gone     bool
	// Frames counts those that came.
	Frames int
	// Finished says that the client has ended its side.
	Finished bool
}

// Now is the time of the Net.
func (n *Net) Now() time.Duration {
	n.now += n.Tick
	return n.now
}

// Sleep lets time pass without anything happening, as if the client were slow.
func (n *Net) Sleep(d time.Duration) { n.now += d }

type event struct {
	at    time.Duration
	order int
	do    func(wire.Events)
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	*q = (*q)[:last]
	return e
}

// After has f run at a moment, as an event.
func (n *Net) After(d time.Duration, f func(wire.Events)) {
	n.order++
	heap.Push(&n.events, event{n.now + d, n.order, f})
}

// Dial implements [wire.Transport].
func (n *Net) Dial(c wire.Conn, r wire.Route, first func() []byte) (bool, results.Cause) {
	if n.Dials == nil {
		n.Dials, n.peers = make(map[wire.Conn]int), make(map[wire.Conn]*Peer)
	}
	n.Dials[c]++
	if n.Route != nil {
		if why := n.Route(c, r); why != "" {
			return false, why
		}
	}
	if n.peers[c] != nil {
		panic("dialled twice")
	}
	p := &Peer{net: n, Conn: c}
	n.peers[c] = p
	n.Most = max(n.Most, len(n.peers))
	if n.Latency == 0 {
		if first != nil {
			n.Send(c, first())
		}
		return true, ""
	}
	n.After(n.Latency, func(h wire.Events) {
		if !p.gone {
			h.Connected(c)
		}
	})
	return false, ""
}

// Send implements [wire.Transport].
func (n *Net) Send(c wire.Conn, b []byte) results.Cause {
	p := n.peers[c]
	if p == nil {
		return results.CauseNoConn
	}
	if n.Full(c) {
		return results.CauseBacklog
	}
	b = bytes.Clone(b)
	n.After(n.Latency, func(wire.Events) {
		if !p.gone {
			p.receive(b)
		}
	})
	return ""
}

// Full implements [wire.Transport].
func (n *Net) Full(c wire.Conn) bool { return n.Choked != nil && n.Choked(c) }

// Finish implements [wire.Transport]: the server ends the connection.
func (n *Net) Finish(c wire.Conn) results.Cause {
	p := n.peers[c]
	if p == nil {
		return results.CauseNoConn
	}
	n.After(n.Latency, func(wire.Events) {
		if !p.gone {
			p.Finished = true
			p.End(results.CauseClosed)
		}
	})
	return ""
}

// Close implements [wire.Transport].
func (n *Net) Close(c wire.Conn, _ bool) {
	if p := n.peers[c]; p != nil {
		p.gone = true
		delete(n.peers, c)
	}
}

// Secure implements [wire.Transport].
func (n *Net) Secure() bool { return false }

// Wake implements [wire.Transport].
func (n *Net) Wake() {}

// Begin implements [wire.Transport].
func (n *Net) Begin() error { return nil }

// Release implements [wire.Transport].
func (n *Net) Release() {
	for c := range n.peers {
		n.Close(c, true)
	}
}

// Wait implements [wire.Transport].
func (n *Net) Wait(timeout time.Duration, h wire.Events) error {
	if len(n.events) == 0 && timeout < 0 {
		n.Idle()
		return nil
	}
	if len(n.events) == 0 || timeout >= 0 && n.events[0].at > n.now+timeout {
		n.now += timeout
		return nil
	}
	n.now = max(n.now, n.events[0].at)
	for batch := 0; batch < 64 && len(n.events) > 0 && n.events[0].at <= n.now; batch++ {
		heap.Pop(&n.events).(event).do(h)
		h.Between()
	}
	return nil
}

// Peer is the other end of a connection, nil if it is not open.
func (n *Net) Peer(c wire.Conn) *Peer { return n.peers[c] }

// EndAll ends every connection.
func (n *Net) EndAll(why results.Cause) {
	for _, p := range n.ordered() {
		p.End(why)
	}
}

// PingAll sends a ping to every connection.
func (n *Net) PingAll() {
	for _, p := range n.ordered() {
		p.Reply(ws.OpPing, []byte("are you there"))
	}
}

// ordered is all peers, always in the same order.
func (n *Net) ordered() []*Peer {
	return slices.SortedFunc(maps.Values(n.peers), func(a, b *Peer) int { return cmp.Compare(a.Conn, b.Conn) })
}

// receive takes bytes at the server's end.
func (p *Peer) receive(b []byte) {
	if p.net.Bytes != nil {
		p.net.Bytes(p, b)
		return
	}
	if p.net.Line != nil && p.Conn >= p.net.FirstLine {
		p.net.Line(p, b)
		return
	}
	p.in.Write(b)
	if !p.upgraded {
		request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p.in.Bytes())))
		if err != nil {
			return
		}
		p.in.Reset() // a client must wait for the answer
		p.upgraded = true
		if p.net.Handshake == nil {
			Accept(p, request)
		} else {
			p.net.Handshake(p, request)
		}
		return
	}
	for !p.gone {
		r := bytes.NewReader(p.in.Bytes())
		f, err := ReadFrame(r)
		if err != nil {
			return // io.EOF: not whole yet
		}
		p.in.Next(p.in.Len() - r.Len())
		if !f.Header.Masked {
			panic("a client must mask")
		}
		p.Frames++
		f = ws.UnmaskFrame(f)
		if p.net.Frame == nil {
			Echo(p, f)
		} else {
			p.net.Frame(p, f)
		}
	}
}

// ReadFrame reads one frame, however long: what a test sends is no threat.
func ReadFrame(r io.Reader) (ws.Frame, error) {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return ws.Frame{}, err
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}

// Accept answers an opening handshake as RFC 6455 says.
func Accept(p *Peer, request *http.Request) { p.Write(Response(request)) }

// Response is the answer to an opening handshake.
func Response(request *http.Request) []byte {
	var out bytes.Buffer
	var in bytes.Buffer
	_ = request.Write(&in)
	_, _ = ws.Upgrade(struct {
		io.Reader
		io.Writer
	}{&in, &out})
	return out.Bytes()
}

// Echo answers a message with itself, a close frame with a close frame and the
// end of the connection.
func Echo(p *Peer, f ws.Frame) {
	switch f.Header.OpCode {
	case ws.OpText, ws.OpBinary:
		p.Reply(f.Header.OpCode, f.Payload)
	case ws.OpClose:
		p.Reply(ws.OpClose, f.Payload)
		p.End(results.CauseClosed)
	}
}

// Reply sends one frame.
func (p *Peer) Reply(op ws.OpCode, payload []byte) {
	p.Write(ws.MustCompileFrame(ws.NewFrame(op, true, payload)))
}

// Write brings bytes to the client now, as one event.
func (p *Peer) Write(b []byte) { p.WriteAfter(0, b) }

// WriteAfter brings bytes to the client later, as one event.
func (p *Peer) WriteAfter(d time.Duration, b []byte) {
	b = bytes.Clone(b)
	p.net.After(d, func(h wire.Events) {
		if !p.gone {
			h.Data(p.Conn, b)
		}
	})
}

// End ends the connection.
func (p *Peer) End(why results.Cause) {
	p.net.After(0, func(h wire.Events) {
		if !p.gone {
			p.net.Close(p.Conn, false)
			h.Ended(p.Conn, why)
		}
	})
}
