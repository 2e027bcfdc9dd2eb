package trial

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/results"
	"signalbench/server/hongbao/packet"
)

// An envelopeServer has red envelopes: every third shake finds one of 100 cents, and
// every fifth brings a gift of 90 for the shaker and the user who shook before. Its
// fields make a liar of it.
type envelopeServer struct {
	mu     sync.Mutex
	conns  map[uint32]net.Conn
	shakes uint32
	before uint32            // who shook last
	open   map[uint32]uint32 // shares of gifts that were not grabbed
	money  struct{ entered, given uint64 }
	reply  func(n uint32, p *packet.Packet) // changes a reply to shake n
	share  func(n uint32, p *packet.Packet) // changes the reply to the n-th grab
	told   func(n uint32, p *packet.Packet) // changes the notice of gift n
	stats  func(entered, given *uint64)     // changes what the admin listener tells
	grabs  uint32
}

func write(c net.Conn, p packet.Packet) {
	_, _ = c.Write(ws.MustCompileFrame(ws.NewBinaryFrame(p.Append(nil))))
}

func (e *envelopeServer) answer(c net.Conn, in *packet.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch in.Type {
	case packet.Login:
		e.conns[in.User] = c
		write(c, packet.Packet{Type: packet.Ack, User: in.User})
	case packet.Shake:
		e.shakes++
		n := e.shakes
		out := packet.Packet{Type: packet.Reply, User: in.User}
		if n%3 == 0 {
			out.Result, out.ID, out.Amount = packet.Got, n, 100
			e.money.entered, e.money.given = e.money.entered+100, e.money.given+100
		}
		if e.reply != nil {
			e.reply(n, &out)
		}
		write(c, out)
		if other, ok := e.conns[e.before]; n%5 == 0 && ok && e.before != in.User {
			gift := packet.Packet{Type: packet.Gift, ID: n, Amount: 90, Sharers: 2, Users: [3]uint32{in.User, e.before}}
			if e.told != nil {
				e.told(n, &gift)
			}
			e.open[n] = 2
			e.money.entered += 90
			write(c, gift)
			write(other, gift)
		}
		e.before = in.User
	case packet.Grab:
		e.grabs++
		out := packet.Packet{Type: packet.GrabReply, ID: in.ID}
		if e.open[in.ID] > 0 {
			e.open[in.ID]--
			out.Amount = 30 * (1 + e.open[in.ID]) // 60 and 30
			e.money.given += uint64(out.Amount)
		}
		if e.share != nil {
			e.share(e.grabs, &out)
		}
		write(c, out)
	}
}

// serveEnvelopes starts such a server with its admin listener.
func serveEnvelopes(t *testing.T, e *envelopeServer) (s *server, admin string) {
	t.Helper()
	e.conns, e.open = make(map[uint32]net.Conn), make(map[uint32]uint32)
	s = serve(t, false, func(s *server) {
		s.answer = func(c net.Conn, f ws.Frame) {
			var in packet.Packet
			if f.Header.OpCode != ws.OpBinary || in.Decode(f.Payload) != nil {
				t.Errorf("a client sent %x", f.Payload)
				return
			}
			e.answer(c, &in)
		}
	})
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		entered, given := e.money.entered, e.money.given
		if e.stats != nil {
			e.stats(&entered, &given)
		}
		sum := func(cents uint64) map[string]uint64 { return map[string]uint64{"cents": cents} }
		_ = json.NewEncoder(w).Encode(map[string]any{"service": map[string]any{"hongbao": map[string]any{
			"entered": sum(entered), "shaken": sum(given), "waiting": sum(entered - given),
		}}})
	}))
	t.Cleanup(h.Close)
	return s, h.URL
}

// A server that is honest is believed to the cent, and one that loses money, doubles
// it, or tells of it what is not so is found out.
func TestHongbao(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server *envelopeServer
		check  string // of the fatal finding; empty: none
		text   string
	}{
		"honest": {server: new(envelopeServer)},
		"an envelope for two": {&envelopeServer{reply: func(n uint32, p *packet.Packet) {
			if n == 201 {
				p.ID = 3
			}
		}}, results.CheckMoney, "100 given twice"},
		"an envelope that shrinks": {&envelopeServer{reply: func(n uint32, p *packet.Packet) {
			if n == 201 {
				p.Amount--
			}
		}}, results.CheckMoney, "that the server gave, they received"},
		"negative money": {&envelopeServer{reply: func(n uint32, p *packet.Packet) {
			if n == 201 {
				p.Amount = 1 << 31
			}
		}}, results.CheckDelivery, "1 corrupt"},
		"another user's reply": {&envelopeServer{reply: func(n uint32, p *packet.Packet) {
			if n == 200 {
				p.User++
			}
		}}, results.CheckDelivery, "1 corrupt"},
		"a share that is lost": {&envelopeServer{share: func(n uint32, p *packet.Packet) {
			if n == 21 {
				p.Amount = 0
			}
		}}, results.CheckMoney, "cents lost"},
		"a cent too much": {&envelopeServer{share: func(n uint32, p *packet.Packet) {
			if n == 21 {
				p.Amount++
			}
		}}, results.CheckMoney, "1 given twice or beyond"},
		"a gift that was less": {&envelopeServer{told: func(n uint32, p *packet.Packet) { p.Amount = 80 }}, results.CheckMoney, "beyond what there was"},
		"the share of another gift": {&envelopeServer{share: func(n uint32, p *packet.Packet) {
			if n == 21 {
				p.ID++
			}
		}}, results.CheckDelivery, "grabs: expected every message once"},
		"books that are cooked": {&envelopeServer{stats: func(entered, given *uint64) {
			if *given > 0 {
				*given--
			}
		}}, results.CheckMoney, "that the server gave, they received"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := c.server
			s, admin := serveEnvelopes(t, e)
			p := s.plan(t, Hongbao)
			p.Admin, p.Rate, p.Drain = admin, 1000, 300*time.Millisecond
			run, err := run(context.Background(), p, new(watch), often)
			if err != nil {
				t.Fatal(err)
			}
			window := run.Phases[slices.IndexFunc(run.Phases, func(p results.Phase) bool { return p.Name == "hongbao/window" })]
			h := window.Hongbao
			if h == nil || h.Books == nil || h.Books.Server == nil || h.Got == 0 || h.Grabs.Completed == 0 {
				t.Fatalf("the window has %+v", h)
			}
			if j, ok := run.Phases[0].Metric(results.MetricJoin); !ok || j.Count != uint64(p.Conns) {
				t.Errorf("the ramp has no login of each: %+v", j)
			}
			var fatal []results.Finding
			for _, f := range run.Findings {
				if f.Severity == results.Fatal && f.Check != results.CheckLag && f.Check != results.CheckCPU { // a busy machine
					fatal = append(fatal, f)
				}
			}
			if c.check == "" {
				b := h.Books
				if len(fatal) > 0 || b.Sent != b.Received || b.Sent != b.Server.Given || b.Open+b.Lost+b.Excess != 0 || b.Gifts == 0 {
					t.Errorf("books %+v %+v, found %+v", b, b.Server, fatal)
				}
				return
			}
			if !slices.ContainsFunc(fatal, func(f results.Finding) bool { return f.Check == c.check && strings.Contains(f.Text, c.text) }) {
				t.Errorf("no %s with %q in %+v", c.check, c.text, run.Findings)
			}
		})
	}
}

func TestHongbaoPreflight(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(s *server) func(net.Conn, ws.Frame)
		want   string
	}{
		"an echo": {func(s *server) func(net.Conn, ws.Frame) { return s.reply }, "the answer to a login is no ack"},
		"a close": {func(*server) func(net.Conn, ws.Frame) {
			return func(c net.Conn, _ ws.Frame) {
				_, _ = c.Write(ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1003, "text only"))))
			}
		}, `code 1003 "text only"`},
		"an end": {func(*server) func(net.Conn, ws.Frame) { return func(c net.Conn, _ ws.Frame) { c.Close() } }, "ended the connection when a user logged in"},
		"a refusal": {func(*server) func(net.Conn, ws.Frame) {
			return func(c net.Conn, _ ws.Frame) { write(c, packet.Packet{Type: packet.Ack, Result: packet.Refused}) }
		}, "refuses a login"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, false, func(s *server) { s.answer = c.answer(s) })
			p := s.plan(t, Hongbao)
			if err := Preflight(t.Context(), p); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
