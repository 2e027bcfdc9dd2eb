package hub

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"unsafe"

	"signalbench/server/engine"
)

// A peer is a connection that takes everything.
type peer struct {
	state any
	home  engine.Home
}

func (p *peer) Send(engine.Opcode, []byte) error     { return nil }
func (p *peer) SendPrepared(*engine.Prepared) error  { return nil }
func (p *peer) Home() engine.Home                    { return p.home }
func (p *peer) Close(engine.CloseCode, string) error { return nil }
func (p *peer) SetState(v any)                       { p.state = v }
func (p *peer) State() any                           { return p.state }
func (p *peer) RemoteAddr() net.Addr                 { return &net.TCPAddr{} }

// A place is a home that does nothing.
type place struct{ int }

func (*place) Do(func()) bool { return true }

// A room whose members change needs no more chunks than for the most that it had
// in each branch at a time, finds all of them by their ids, and gives the memory
// of those that left to those that come.
func TestChunksAreUsedAgain(t *testing.T) {
	for _, homes := range []int{0, 3} {
		t.Run(fmt.Sprintf("%d homes", homes), func(t *testing.T) {
			h, err := New(DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			places := []engine.Home{nil}
			for i := range homes {
				places = append(places, &place{i})
			}
			var members []*peer
			enter := func() {
				p := &peer{home: places[min(1+rand.IntN(max(homes, 1)), homes)]}
				h.Open(p, &engine.Request{Path: Path, RawQuery: "vsn=2.0.0"})
				h.Message(p, engine.OpText, []byte(`["1","1","room:x","phx_join",{"presence":false}]`))
				members = append(members, p)
			}
			exit := func(among int) {
				i := rand.IntN(among)
				h.Closed(members[i], nil)
				members = slices.Delete(members, i, i+1)
			}
			const most = 1000
			for len(members) < most {
				enter()
			}
			r := h.lookup([]byte("room:x"))
			for i := range 6 {
				for range 900 {
					if i%2 == 0 {
						exit(len(members))
					} else {
						exit(1) // the oldest, so that whole chunks become empty
					}
				}
				for len(members) < most {
					enter()
				}
				total, places := 0, 0
				for _, b := range branches(r) {
					for i, c := range b.chunks {
						if c == nil {
							continue
						}
						if c.at != i || c.branch != b || r.chunks[c.number] != c || c.used == 0 {
							t.Fatalf("chunk %d of a branch is %+v", i, c)
						}
					}
					if n := len(b.chunks); n > 0 && b.chunks[n-1] == nil {
						t.Error("a branch ends with nothing")
					}
					total += b.members
					places += len(b.chunks)
				}
				if total != most || r.count != most {
					t.Fatalf("branches have %d members, the room %d, want %d", total, r.count, most)
				}
				if n := max(places, len(r.chunks)); n > (most+chunkLen-1)/chunkLen+2*len(branches(r)) {
					t.Fatalf("%d chunks for %d members", n, most)
				}
				for _, p := range members {
					m := p.state.(*session).list
					if c, _, ok := r.peer(m.id); !ok || c != p {
						t.Fatalf("peer %x is not found", m.id)
					}
					if _, _, ok := r.peer(m.id ^ 1<<32); ok {
						t.Fatal("an id with another upper half is found")
					}
				}
			}
			for len(members) > 0 {
				exit(len(members))
			}
			if len(branches(r)) != 1 || len(r.common.chunks) != 0 {
				t.Errorf("an empty room has %d branches", len(branches(r)))
			}
		})
	}
}

func branches(r *room) []*branch {
	all := []*branch{&r.common}
	for _, b := range r.homes {
		all = append(all, b)
	}
	return all
}

// A session fills its size class: one more field makes each connection 16 B larger.
func TestSessionSize(t *testing.T) {
	if n := unsafe.Sizeof(session{}); n != 112 {
		t.Errorf("a session is %d B, want 112", n)
	}
}

// An id is as long as it is told, and read back only as it was written.
func TestIDs(t *testing.T) {
	for _, id := range []uint64{0, 1, 1 << 63, 1<<64 - 1} {
		text := appendID(nil, id)
		if got, ok := parseID(text); !ok || got != id || len(text) != idLen {
			t.Errorf("%x is %s and back %x, %t", id, text, got, ok)
		}
	}
	for _, text := range []string{"", "AAAAAAAAAA", "AAAAAAAAAAAA", "AAAAAAAAAA=", "AAAAAAAAAAB", "AAAAA AAAAA", "AAAAA\nAAAAA"} {
		if id, ok := parseID([]byte(text)); ok {
			t.Errorf("%q is read as %x", text, id)
		}
	}
}
