package workload

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/publish"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

// An adminServer answers publications on the lines of a net, and brings messages to
// their connections.
type adminServer struct {
	net  *wiretest.Net
	conn func(channel int) wire.Conn
	in   map[wire.Conn]*bytes.Buffer // by line
	// publish decides what happens to message n of a channel: what is written to the
	// subscriber, and how the request is answered.
	publish func(channel, n int, message []byte) (copies int, status, receivers int)
	seen    map[int]int
	lines   int // connections that came
}

func (a *adminServer) receive(p *wiretest.Peer, b []byte) {
	in := a.in[p.Conn]
	if in == nil {
		in = new(bytes.Buffer)
		a.in[p.Conn] = in
		a.lines++
	}
	in.Write(b)
	for in.Len() > 0 {
		r := bufio.NewReader(bytes.NewReader(in.Bytes()))
		req, err := http.ReadRequest(r)
		if err != nil {
			return // not whole yet
		}
		message, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		in.Next(in.Len() - r.Buffered())
		status, text := http.StatusNotFound, "404 page not found\n"
		if name, ok := strings.CutPrefix(req.URL.Path, "/publish/"); ok && req.Method == http.MethodPost {
			channel, _ := strconv.Atoi(name)
			copies, receivers := 0, 0
			copies, status, receivers = a.publish(channel, a.seen[channel], message)
			a.seen[channel]++
			for range copies {
				if to := a.net.Peer(a.conn(channel)); to != nil {
					to.Reply(ws.OpText, message)
				}
			}
			text = fmt.Sprintf("{\"receivers\":%d}\n", receivers)
		}
		p.Write(fmt.Appendf(nil, "HTTP/1.1 %d Some Reason\r\nContent-Length: %d\r\n\r\n%s", status, len(text), text))
	}
}

// publishing makes a stand of one lane whose messages are published.
func publishing(t *testing.T, conns int, decide func(channel, n int, message []byte) (copies, status, receivers int)) (*stand, *adminServer) {
	t.Helper()
	a := &adminServer{conn: func(channel int) wire.Conn { return wire.Conn(channel) }, in: make(map[wire.Conn]*bytes.Buffer), seen: make(map[int]int), publish: decide}
	s := newStand(t, 1, conns, 64, func(_ int, n *wiretest.Net) {
		a.net = n
		n.Latency, n.Line, n.FirstLine = time.Millisecond, a.receive, wire.Conn(conns)
	})
	layout, err := stamp.New(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.d[0] = NewDelivery(s.lanes[0], NewPublished(layout, frame.Text))
	p := publish.New(s.lanes[0], publish.Admin{Addr: netip.MustParseAddrPort("127.0.0.1:2"), Host: "here"}, s.d[0].Unheard)
	s.d[0].PublishBy(p)
	s.lanes[0].Do(p.Dial)
	return s, a
}

func heard(int, int, []byte) (copies, status, receivers int) { return 1, 200, 1 }

// Each connection gets what is published to its channel, and response time runs from
// due to received.
func TestPush(t *testing.T) {
	t.Parallel()
	s, a := publishing(t, 10, heard)
	warm, main := s.run(s.open(1000))
	balanced(t, "warm-up", warm)
	balanced(t, "window", main)
	if warm.Ops.Completed != 1000 || main.Ops.Completed != 2000 || main.Ops.BytesSent != 2000*64 || main.Ops.BytesReceived != 2000*64 {
		t.Errorf("%+v %+v", warm.Ops, main.Ops)
	}
	for c := range 10 {
		if a.seen[c] != 300 {
			t.Errorf("%d messages were published to channel %d, want 300", a.seen[c], c)
		}
	}
	if a.lines != publish.Lines {
		t.Errorf("%d connections to the admin listener, want %d", a.lines, publish.Lines)
	}
	if h := main.Histogram(record.Response); h.Min() < 999*time.Microsecond || h.Max() > 1001*time.Microsecond {
		t.Errorf("response %v, want 1ms", h)
	}
	if s.told == 0 || main.Unexpected+main.Stale != 0 {
		t.Errorf("told %d times, %d unexpected, %d stale", s.told, main.Unexpected, main.Stale)
	}
}

// What nobody gets, what is not published, what comes twice and what never comes is
// told apart, and the books agree.
func TestPushGoneWrong(t *testing.T) {
	t.Parallel()
	s, _ := publishing(t, 5, func(channel, n int, _ []byte) (copies, status, receivers int) {
		switch {
		case n == 200 && channel == 1:
			return 0, 200, 0
		case n >= 210 && n < 213 && channel == 1: // three in a row
			return 0, 503, 0
		case n == 250 && channel == 2:
			return 2, 200, 1
		case n == 220 && channel == 3:
			return 0, 200, 1
		}
		return 1, 200, 1
	})
	s.run(s.open(500))
	warm, main := s.finish()
	balanced(t, "warm-up", warm)
	balanced(t, "window", main)
	o := main.Ops
	want := map[results.Cause]uint64{results.CauseUnheard: 1, results.CauseUnpublished: 3, results.CauseMissing: 1}
	for why, n := range want {
		if o.Causes[why] != n {
			t.Errorf("%s: %d, want %d", why, o.Causes[why], n)
		}
	}
	if o.Failed != 5 || o.Duplicate != 1 || o.Missing != 1 || o.Reordered != 0 || o.Corrupt != 0 || main.Unexpected != 0 {
		t.Errorf("%+v, %d unexpected", o, main.Unexpected)
	}
}

// A message whose publication fails while earlier ones of its connection are on their
// way does not count those as overtaken.
func TestUnheardAhead(t *testing.T) {
	t.Parallel()
	s, _ := publishing(t, 1, heard)
	s.run(func(i int, span Span) Stage { return s.open(1000)(i, span) })
	d := s.d[0]
	d.Begin(nil, s.main[0], Span{End: time.Hour})
	before := s.main[0].Ops
	first := d.tracks[0].next
	message := func(seq uint32) []byte {
		_, head, body := d.form.Message(false, stamp.Stamp{Conn: 0, Seq: seq})
		return append(append([]byte(nil), head...), body...)
	}
	d.tracks[0].next += 5
	d.outstanding = 5
	s.main[0].Ops.Scheduled += 5
	d.Unheard(0, first+2, results.CauseUnheard)
	d.Unheard(0, first+2+10, results.CauseUnheard) // never sent
	d.Unheard(0, first-1, results.CauseUnheard)    // of an earlier load
	for _, seq := range []uint32{first, first + 1, first + 3} {
		d.Received(0, frame.Text, message(seq), time.Second)
	}
	d.Unheard(0, first+3, results.CauseUnheard) // it came
	d.Received(0, frame.Text, message(first+4), time.Second)
	after := s.main[0].Ops
	if d.Outstanding() != 0 || after.Completed-before.Completed != 4 || after.Causes[results.CauseUnheard] != 1 || after.Reordered+after.Duplicate+after.Missing != 0 || d.Waiting(0) != 0 {
		t.Errorf("%d outstanding, %d waiting: %+v", d.Outstanding(), d.Waiting(0), after)
	}
	// One that was overtaken, and then turns out to reach nobody.
	first = d.tracks[0].next
	d.tracks[0].next += 2
	d.outstanding = 2
	d.Received(0, frame.Text, message(first+1), time.Second)
	d.Unheard(0, first, results.CauseUnheard)
	if o := s.main[0].Ops; d.Outstanding() != 0 || o.Causes[results.CauseUnheard] != 2 || o.Reordered != 0 || d.Waiting(0) != 0 {
		t.Errorf("%d outstanding: %+v", d.Outstanding(), o)
	}
}

// The server's own empty messages are counted apart.
func TestPingsAreAside(t *testing.T) {
	t.Parallel()
	s, a := publishing(t, 3, heard)
	_, main := s.run(func(i int, span Span) Stage {
		a.net.After(span.Main+time.Second-a.net.Now(), func(h wire.Events) {
			for c := range wire.Conn(3) {
				a.net.Peer(c).Reply(ws.OpText, nil)
			}
		})
		return s.open(300)(i, span)
	})
	if main.Pings != 3 || s.d[0].Pings() != 3 || main.Unexpected != 0 || main.Ops.Completed != 600 {
		t.Errorf("%d pings, %d in all, %d unexpected, %+v", main.Pings, s.d[0].Pings(), main.Unexpected, main.Ops)
	}
}

// A listener that ends its connections loses what was on its way; they are made again.
func TestAdminListenerHangsUp(t *testing.T) {
	t.Parallel()
	var a *adminServer
	hung := false
	var s *stand
	s, a = publishing(t, 4, func(channel, n int, _ []byte) (copies, status, receivers int) {
		if channel == 0 && n == 200 && !hung {
			hung = true
			for k := range wire.Conn(publish.Lines) {
				delete(a.in, 4+k)
				a.net.Peer(4 + k).End(results.CauseClosed)
			}
			return 0, 200, 1
		}
		return 1, 200, 1
	})
	s.run(s.open(400))
	warm, main := s.finish()
	balanced(t, "window", main)
	o := main.Ops
	if o.Failed+o.Dropped == 0 || o.Failed+o.Dropped > 10 || o.Causes[results.CauseUnpublished] == 0 || warm.Ops.Failed != 0 || o.Completed < 790 {
		t.Errorf("%+v", o)
	}
	if a.lines != 2*publish.Lines {
		t.Errorf("%d connections to the admin listener, want %d", a.lines, 2*publish.Lines)
	}
}
