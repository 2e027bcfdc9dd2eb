package adversary

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// toy is a server that does with each connection what a test says.
type toy struct {
	t    *testing.T
	l    net.Listener
	all  sync.WaitGroup
	mu   sync.Mutex
	open map[net.Conn]bool
}

func serve(t *testing.T, talk func(c net.Conn)) *toy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &toy{t: t, l: l, open: make(map[net.Conn]bool)}
	s.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open[c] = true
			s.mu.Unlock()
			s.all.Go(func() {
				talk(c)
				c.Close()
				s.mu.Lock()
				delete(s.open, c)
				s.mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for c := range s.open {
			c.Close()
		}
		s.mu.Unlock()
		s.all.Wait()
	})
	return s
}

// upgraded makes talk begin after the opening handshake.
func upgraded(talk func(c net.Conn)) func(c net.Conn) {
	return func(c net.Conn) {
		if _, err := ws.Upgrade(c); err == nil {
			talk(c)
		}
	}
}

// against lets n of a kind loose on the servers.
func against(t *testing.T, kind string, n int, change func(*Options), servers ...*toy) *Crowd {
	t.Helper()
	var urls []string
	for _, s := range servers {
		urls = append(urls, "ws://"+s.l.Addr().String()+"/echo")
	}
	tg, err := target.Resolve(context.Background(), urls, "")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Demands: []Demand{{kind, n}}, Target: tg, DialTimeout: 10 * time.Second, MaxMessage: 1000, Word: []byte("a word")}
	if change != nil {
		change(&o)
	}
	c := Start(context.Background(), o)
	t.Cleanup(c.Stop)
	return c
}

func (c *Crowd) until(t *testing.T, what string, ok func(results.Adversary) bool) results.Adversary {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		a := c.Report()[0]
		if ok(a) {
			return a
		}
		if time.Now().After(limit) {
			t.Fatalf("not in time: %s: %+v", what, a)
		}
	}
}

// A slow reader takes what its kernel keeps for it and not a byte more; thrown out,
// it comes again.
func TestSlowReader(t *testing.T) {
	for _, hello := range []bool{true, false} {
		t.Run(map[bool]string{true: "that is sent to", false: "that asks"}[hello], func(t *testing.T) {
			t.Parallel()
			stuck := make(chan int, 10)
			s := serve(t, upgraded(func(c net.Conn) {
				answer := ws.MustCompileFrame(ws.NewTextFrame(make([]byte, 1000)))
				f, err := wiretest.ReadFrame(c)
				if err != nil {
					return // the test is over
				}
				if p := string(ws.UnmaskFrame(f).Payload); hello != (p == "hello 0") {
					t.Errorf("began with %q", p)
				}
				// It is stuck when the last two tenths of a second took nothing.
				for sent := 0; ; {
					_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
					n, err := c.Write(answer)
					sent += n
					if errors.Is(err, os.ErrDeadlineExceeded) {
						stuck <- sent
						return
					}
					if err != nil {
						return
					}
				}
			}))
			c := against(t, SlowReader, 1, func(o *Options) {
				if hello {
					o.Hello = func(i int) []byte { return []byte("hello " + string(rune('0'+i))) }
				}
			}, s)
			if sent := <-stuck; sent > 1<<20 {
				t.Errorf("took %d B", sent)
			}
			a := c.until(t, "another connection", func(a results.Adversary) bool { return a.Opened >= 2 })
			if a.Ended < 1 || a.Causes[results.CauseReset] < 1 || a.Sent == 0 {
				t.Errorf("%+v", a)
			}
		})
	}
}

// Its messages are good ones, and no two bytes come within a hundredth of a second.
func TestByteAtATime(t *testing.T) {
	t.Parallel()
	const frames = 3
	took := make(chan time.Duration, 1)
	s := serve(t, upgraded(func(c net.Conn) {
		first := time.Now()
		for range frames {
			f, err := wiretest.ReadFrame(c)
			if err != nil || !f.Header.Masked || f.Header.OpCode != ws.OpText || string(ws.UnmaskFrame(f).Payload) != "a word" {
				t.Errorf("%+v, %v", f, err)
				return
			}
			_ = ws.WriteFrame(c, ws.NewTextFrame([]byte("an answer")))
		}
		took <- time.Since(first)
		_ = ws.WriteFrame(c, ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "")))
	}))
	c := against(t, ByteAtATime, 1, nil, s)
	const size = 2 + 4 + 6
	if d := <-took; d < (frames*size-2)*beat {
		t.Errorf("%d bytes came in %v", frames*size, d)
	}
	a := c.until(t, "its end", func(a results.Adversary) bool { return a.Ended > 0 })
	if a.Causes["closed with 1001"] != 1 {
		t.Errorf("%+v", a)
	}
}

// Half of a request comes, and nothing behind it; it comes again when cut, to each
// of the ports.
func TestHalfHandshake(t *testing.T) {
	t.Parallel()
	var seen [2]atomic.Int64
	var servers []*toy
	for i := range seen {
		servers = append(servers, serve(t, func(c net.Conn) {
			_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			got, err := io.ReadAll(c)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return // the test is over, and whoever counts misses it
			}
			if !strings.HasPrefix(string(got), "GET /echo HTTP/1.1\r\n") || bytes.Contains(got, []byte("\r\n\r\n")) {
				t.Errorf("%q", got)
			}
			seen[i].Add(1)
		}))
	}
	c := against(t, HalfHandshake, 4, nil, servers...)
	<-c.Tried()
	a := c.until(t, "all again", func(a results.Adversary) bool { return a.Opened >= 8 })
	if a.Causes[results.CauseClosed] < 4 || seen[0].Load() < 2 || seen[1].Load() < 2 {
		t.Errorf("%+v; %d and %d", a, seen[0].Load(), seen[1].Load())
	}
}

// Pings of 125 B, many, and no more than 2,000 in a second.
func TestPingFlood(t *testing.T) {
	t.Parallel()
	const pings = 400
	took := make(chan time.Duration, 1)
	s := serve(t, upgraded(func(c net.Conn) {
		first := time.Now()
		for n := range pings {
			f, err := wiretest.ReadFrame(c)
			if err != nil || f.Header.OpCode != ws.OpPing || f.Header.Length != 125 {
				t.Errorf("ping %d: %+v, %v", n, f.Header, err)
				return
			}
			_ = ws.WriteFrame(c, ws.NewPongFrame(ws.UnmaskFrame(f).Payload))
		}
		took <- time.Since(first)
	}))
	c := against(t, PingFlood, 1, nil, s)
	if d := <-took; d < (pings/floodBurst-2)*floodEvery {
		t.Errorf("%d pings came in %v", pings, d)
	}
	c.until(t, "its end", func(a results.Adversary) bool { return a.Ended > 0 && a.Sent >= pings*131 })
}

// One byte too many; the close code of the server's answer is what it reports. A
// server that takes it gets another.
func TestOversize(t *testing.T) {
	for _, limit := range []int{100, 1000, 100_000} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			var messages atomic.Int64
			s := serve(t, upgraded(func(c net.Conn) {
				for {
					h, err := ws.ReadHeader(c)
					if err != nil {
						return
					}
					if h.Length != int64(limit)+1 || !h.Masked || h.OpCode != ws.OpBinary {
						t.Errorf("%+v", h)
					}
					if messages.Add(1) == 1 {
						_, _ = io.CopyN(io.Discard, c, h.Length)
						continue
					}
					_ = ws.WriteFrame(c, ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusMessageTooBig, "too big")))
					return
				}
			}))
			c := against(t, Oversize, 1, func(o *Options) { o.MaxMessage = limit }, s)
			a := c.until(t, "two ends", func(a results.Adversary) bool { return a.Ended >= 2 })
			if a.Causes["closed with 1009"] != a.Ended || a.Opened < 2 {
				t.Errorf("%+v", a)
			}
		})
	}
}

// Stopped, none is left, and what a server refuses is named.
func TestCrowd(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
	})
	c := against(t, PingFlood, 20, nil, s)
	<-c.Tried()
	a := c.until(t, "refusals", func(a results.Adversary) bool { return a.Ended >= 20 })
	if a.Opened != 0 || a.Causes["HTTP status 429"] != a.Ended {
		t.Errorf("%+v", a)
	}
	c.Stop()
	c.Stop()
	before := c.Report()[0].Ended
	if after := c.Report()[0].Ended; after != before {
		t.Errorf("%d, then %d", before, after)
	}
}

func TestHeader(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 0xFFFF, 0x10000} {
		whole := frame.Append(nil, frame.Binary, 77, nil, make([]byte, size))
		if got := header(size, 77); !bytes.Equal(got, whole[:len(whole)-size]) {
			t.Errorf("%d B: % x", size, got)
		}
	}
}

func TestDemands(t *testing.T) {
	var all []Demand
	for _, text := range []string{"slow-reader=100", " oversize=5"} {
		var d Demand
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != strings.TrimSpace(text) {
			t.Errorf("%q: %v, %v", text, d, err)
		}
		all = append(all, d)
	}
	var d Demand
	if err := d.UnmarshalText([]byte("ping-flood:7")); err != nil || d != (Demand{PingFlood, 7}) {
		t.Errorf("%v, %v", d, err)
	}
	if err := Check(all); err != nil || Total(all) != 105 {
		t.Errorf("%v, %d", err, Total(all))
	}
	for text, says := range map[string]string{"": "unknown", "slow=1": "unknown", "oversize": "no number", "oversize=0": "no number", "oversize=x": "no number"} {
		if err := new(Demand).UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := Check(append(all, Demand{SlowReader, 1})); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Error(err)
	}
	if err := Check(append(all, Demand{PingFlood, 1996})); err == nil || !strings.Contains(err.Error(), "more than 2000") {
		t.Error(err)
	}
}
