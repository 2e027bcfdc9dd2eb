package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// start serves with the given arguments; stop ends it and returns its record.
func start(t *testing.T, args ...string) (url string, stop func() record) {
	t.Helper()
	var f flags
	parser, err := kong.New(&f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, &f, in)
		in.Close()
	}()
	lines := json.NewDecoder(out)
	var hello struct{ Listen []string }
	if err := lines.Decode(&hello); err != nil {
		t.Fatalf("%v; %v", err, <-done)
	}
	var r record
	var stopped bool
	stop = func() record {
		if stopped {
			return r
		}
		stopped = true
		cancel()
		lines.Decode(&r)
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
		return r
	}
	t.Cleanup(func() { stop() })
	return "ws://" + hello.Listen[0] + "/echo", stop
}

func dial(t *testing.T, url string) net.Conn {
	t.Helper()
	c, _, _, err := ws.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func TestSpoilers(t *testing.T) {
	const sent = "m1 m2 m3 m4 m5 m6 m7"
	for _, c := range []struct {
		fault   fault
		want    string
		spoiled uint64
	}{
		{none, sent, 0},
		{drop, "m1 m2 m4 m5 m7", 2},
		{double, "m1 m2 m3 m3 m4 m5 m6 m6 m7", 2},
		{reorder, "m1 m2 m4 m3 m5 m7 m6", 2},
		{corrupt, "m1 m2 m2 m4 m5 m7 m7", 2}, // the lowest bit of '3' and '6' is flipped
		{behead, "m1 m2 l3 m4 m5 l6 m7", 2},
		{mask, sent, 2},
		{closing, "m1 m2 closed", 1},
		{reset, "m1 m2 closed", 1},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			url, stop := start(t, "--spoil", string(c.fault), "--every", "3")
			conn := dial(t, url)
			for m := range strings.SplitSeq(sent, " ") {
				if err := wsutil.WriteClientText(conn, []byte(m)); err != nil {
					break // closed
				}
			}
			var got []string
			var masked uint64
			for len(got) < len(strings.Split(c.want, " ")) {
				f, err := readFrame(conn)
				if err != nil || f.Header.OpCode == ws.OpClose {
					got = append(got, "closed")
					break
				}
				if f.Header.Masked {
					masked++
					f = ws.UnmaskFrame(f)
				}
				got = append(got, string(f.Payload))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("echoed %s\nwant   %s", s, c.want)
			}
			if c.fault == mask && masked != c.spoiled {
				t.Errorf("%d masked frames, want %d", masked, c.spoiled)
			}
			if r := stop(); r.Spoiled != c.spoiled || r.Upgraded != 1 {
				t.Errorf("record %+v, want %d spoiled on 1 connection", r, c.spoiled)
			}
		})
	}
}

// readFrame reads one short frame.
func readFrame(r io.Reader) (ws.Frame, error) {
	h, err := ws.ReadHeader(r)
	if err != nil || h.Length > 125 {
		return ws.Frame{}, fmt.Errorf("frame of %d B: %w", h.Length, err)
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}

func TestHeldMessageIsReleased(t *testing.T) {
	url, stop := start(t, "--spoil=reorder", "--every=1")
	conn := dial(t, url)
	if err := wsutil.WriteClientText(conn, []byte("alone")); err != nil {
		t.Fatal(err)
	}
	p, err := wsutil.ReadServerText(conn)
	if err != nil || string(p) != "alone" {
		t.Errorf("%q, %v", p, err)
	}
	if r := stop(); r.Spoiled != 0 || r.Echoes != 1 {
		t.Errorf("record %+v: a message that nothing overtook is not reordered", r)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		answer answer
		want   func(error) bool
	}{
		{right, func(err error) bool { return err == nil }},
		{wrongAccept, func(err error) bool { return errors.Is(err, ws.ErrHandshakeBadSecAccept) }},
		{status200, func(err error) bool { s, ok := errors.AsType[ws.StatusError](err); return ok && s == 200 }},
		{garbage, func(err error) bool { return err != nil && !isTimeout(err) }},
		{closes, func(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }},
		{silence, isTimeout},
	} {
		t.Run(string(c.answer), func(t *testing.T) {
			url, _ := start(t, "--answer", string(c.answer))
			first, _ := start(t, "--right-first=1", "--answer", string(c.answer))
			dial(t, first) // fails the test if it is not answered right
			for _, url := range []string{url, first} {
				conn, _, _, err := ws.Dialer{Timeout: 300 * time.Millisecond}.Dial(t.Context(), url)
				if conn != nil {
					conn.Close()
				}
				if !c.want(err) {
					t.Errorf("dialling ends with %v (%T)", err, err)
				}
			}
		})
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestDelay(t *testing.T) {
	const delay = 20 * time.Millisecond
	url, stop := start(t, "--delay", delay.String())
	conn := dial(t, url)
	for i := range 20 {
		sent := time.Now()
		if err := wsutil.WriteClientText(conn, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := wsutil.ReadServerText(conn); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(sent); got < delay {
			t.Errorf("echo %d came after %v", i, got)
		}
	}
	if r := stop(); r.DelayP50 < delay || r.DelayP50 > delay+5*time.Millisecond || r.DelayMax < r.DelayP99 || r.DelayP99 < r.DelayP50 {
		t.Errorf("record %+v of a delay of %v", r, delay)
	}
}

func TestStall(t *testing.T) {
	url, stop := start(t, "--stall-every=200ms", "--stall-for=100ms")
	conn := dial(t, url)
	var took []time.Duration
	for begun := time.Now(); time.Since(begun) < time.Second; {
		sent := time.Now()
		if err := wsutil.WriteClientText(conn, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := wsutil.ReadServerText(conn); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(sent))
	}
	r := stop()
	long := len(took) - len(slices.DeleteFunc(slices.Clone(took), func(d time.Duration) bool { return d > 50*time.Millisecond }))
	if long < 3 || long > r.Stalls+1 {
		t.Errorf("%d of %d echoes took over 50 ms, with %d stalls", long, len(took), r.Stalls)
	}
	if want := time.Duration(r.Stalls) * 100 * time.Millisecond; r.Stalled < want*8/10 || r.Stalled > want*13/10 {
		t.Errorf("%v stalled in %d stalls of 100 ms", r.Stalled, r.Stalls)
	}
}

// TestFragmentsOfTheStream feeds a request and a frame a byte at a time.
func TestFragmentsOfTheStream(t *testing.T) {
	url, _ := start(t)
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "ws://"), "/echo"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("whole"))))
	for _, b := range []byte("GET /echo HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + string(frame)) {
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := strings.CutPrefix(line, "Sec-WebSocket-Accept: "); ok && v != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" {
			t.Errorf("accept %q is not that of RFC 6455 section 1.3", v)
		}
		if line == "\r\n" {
			break
		}
	}
	if p, err := wsutil.ReadServerText(struct {
		io.Reader
		io.Writer
	}{r, conn}); err != nil || string(p) != "whole" {
		t.Errorf("%q, %v", p, err)
	}
}

func TestRefuses(t *testing.T) {
	for _, args := range []string{"--every=0", "--stall-for=2s", "--spoil=other", "--answer=other", "--delay=-1s"} {
		var f flags
		parser, err := kong.New(&f, kong.Writers(io.Discard, io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse([]string{args}); err == nil {
			t.Errorf("%s is accepted", args)
		}
	}
	for _, at := range []string{"nowhere", "[::1]:0", "192.0.2.1:1"} {
		if err := run(t.Context(), &flags{Listen: at, MaxConns: 10}, io.Discard); err == nil {
			t.Errorf("--listen %s is accepted", at)
		}
	}
}

// TestSpoilerCounts checks the record against the echoes over many messages.
func TestSpoilerCounts(t *testing.T) {
	for f, echoes := range map[fault]uint64{none: 10_000, drop: 9_990, double: 10_010, corrupt: 10_000, reorder: 9_999} {
		s := spoiler{fault: f, every: 1000}
		var held []byte
		for i := range 10_000 {
			s.echo(nil, &held, ws.OpText, fmt.Append(nil, i))
		}
		spoiled := uint64(10)
		switch f {
		case none:
			spoiled = 0
		case reorder:
			spoiled = 9 // the last is still held
		}
		if s.messages != 10_000 || s.spoiled != spoiled || s.echoes != echoes {
			t.Errorf("%s: %d messages, %d spoiled, %d echoes; want %d and %d", f, s.messages, s.spoiled, s.echoes, spoiled, echoes)
		}
	}
}
