package netpoll_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"signalbench/server/echo"
	"signalbench/server/engine"
)

// Handlers on all pollers ask for the addresses of connections of all pollers at
// once, each of which only that connection's poller can tell.
func TestAddressesAcrossTables(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var conns []engine.Conn
	s := serve(t, apart, hooks{
		open: func(c engine.Conn, _ *engine.Request) {
			mu.Lock()
			defer mu.Unlock()
			conns = append(conns, c)
		},
		message: func(c engine.Conn, op engine.Opcode, _ []byte) {
			mu.Lock()
			all := conns
			mu.Unlock()
			var list []string
			for _, c := range all {
				list = append(list, c.RemoteAddr().String())
			}
			_ = c.Send(op, []byte(strings.Join(list, " ")))
		},
	}, nil)
	const n = 24
	var peers []*peer
	for range n {
		peers = append(peers, s.open(t))
	}
	eventually(t, "opening of all", func() bool { mu.Lock(); defer mu.Unlock(); return len(conns) == n })
	var wg sync.WaitGroup
	for _, p := range peers {
		wg.Go(func() {
			for range 20 {
				if err := p.send(ws.OpText, []byte("who is there?")); err != nil {
					t.Error(err)
					return
				}
				_, got, err := p.frame()
				if err != nil {
					t.Error(err)
					return
				}
				for _, other := range peers {
					if !strings.Contains(string(got), other.LocalAddr().String()) {
						t.Errorf("%v is not among %s", other.LocalAddr(), got)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// What others send arrives, and a connection that others close ends, whichever
// poller has it and whoever they are.
func TestSendsAcrossTables(t *testing.T) {
	t.Parallel()
	conns := make(chan engine.Conn, 1)
	var mu sync.Mutex
	var all []engine.Conn
	s := serve(t, apart, hooks{
		open: func(c engine.Conn, _ *engine.Request) { conns <- c },
		message: func(_ engine.Conn, op engine.Opcode, p []byte) {
			mu.Lock()
			defer mu.Unlock()
			for _, c := range all {
				_ = c.Send(op, p)
			}
		},
	}, nil)
	const n = 12
	var peers []*peer
	for range n {
		peers = append(peers, s.open(t))
		c := <-conns
		mu.Lock()
		all = append(all, c)
		mu.Unlock()
	}
	for i := range 50 {
		text := fmt.Appendf(nil, "message %d", i)
		if err := peers[i%n].send(ws.OpText, text); err != nil {
			t.Fatal(err)
		}
		for _, p := range peers {
			if err := p.want(ws.OpText, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, c := range all {
		if err := c.Close(4000, "enough"); err != nil {
			t.Error(err)
		}
		if err := peers[i].want(ws.OpClose, ws.NewCloseFrameBody(4000, "enough")); err != nil {
			t.Error(err)
		}
	}
}

// When Serve has returned nobody listens any more, in no table.
func TestNoListenerIsLeft(t *testing.T) {
	s := serve(t, apart, echo.Handler{}, nil)
	if err := s.open(t).echo("served"); err != nil {
		t.Fatal(err)
	}
	if err := s.end(t); err != nil && !errors.Is(err, engine.ErrDrainDeadline) {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if n := len(s.stats.Tables.Threads()); n != 0 {
		t.Errorf("%d descriptor tables are left", n)
	}
}
