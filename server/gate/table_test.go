package gate

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signalbench/server/engine"
)

func from(address string) *engine.Request {
	return &engine.Request{RemoteAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1))}
}

// enter opens a connection from an address.
func enter(t *testing.T, g *Gate, address string) *Admission {
	t.Helper()
	a, err := g.Admit(from(address), "")
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	if err := a.Open(); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return a
}

func wantRefused(t *testing.T, g *Gate, address string) {
	t.Helper()
	_, err := g.Admit(from(address), "")
	if refusal, ok := errors.AsType[*engine.Refusal](err); !ok || refusal.Status != 429 {
		t.Fatalf("%s: %v, want 429", address, err)
	}
}

// allowed is how many of the messages were.
func allowed(messages ...*Admission) (n int) {
	for _, a := range messages {
		if a.Allow() {
			n++
		}
	}
	return n
}

func TestConnectionsOfAnAddress(t *testing.T) {
	t.Parallel()
	g := New(Config{Conns: 2})
	first := enter(t, g, "192.0.2.1")
	enter(t, g, "::ffff:192.0.2.1") // the same
	wantRefused(t, g, "192.0.2.1")
	enter(t, g, "192.0.2.2")
	first.Closed()
	enter(t, g, "192.0.2.1")
	wantRefused(t, g, "192.0.2.1")

	enter(t, g, "2001:db8::1")
	enter(t, g, "2001:db8::ffff:2") // the same /64
	wantRefused(t, g, "2001:db8:0:0:1::")
	enter(t, g, "2001:db8:0:1::1")
	if n := g.Stats().Conns; n != 3 {
		t.Errorf("%d refusals counted, want 3", n)
	}
}

// Several handshakes are asked about before the first of them is a connection.
func TestConnectionsAtOnce(t *testing.T) {
	t.Parallel()
	g := New(Config{Conns: 1})
	var all []*Admission
	for range 3 {
		a, err := g.Admit(from("192.0.2.1"), "")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	for i, a := range all {
		err := a.Open()
		if e, ok := errors.AsType[*engine.CloseError](err); (i > 0) != ok || ok && e.Code != engine.CloseTryAgainLater {
			t.Errorf("connection %d: %v", i, err)
		}
	}
	for _, a := range all {
		a.Closed()
	}
	if n := g.Stats().Addresses; n > 1 {
		t.Errorf("%d addresses are known", n)
	}
	enter(t, g, "192.0.2.1")
}

func TestUpgradesOfAnAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Upgrades: 2})
		for range 2 {
			enter(t, g, "192.0.2.1").Closed()
		}
		wantRefused(t, g, "192.0.2.1")
		enter(t, g, "192.0.2.2")
		time.Sleep(500 * time.Millisecond)
		enter(t, g, "192.0.2.1").Closed()
		wantRefused(t, g, "192.0.2.1")
		if n := g.Stats().Upgrades; n != 2 {
			t.Errorf("%d refusals counted, want 2", n)
		}
	})
}

// All connections of an address share its rate of messages, also those that come
// when others have gone.
func TestMessagesOfAnAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Messages: 3})
		a, b := enter(t, g, "192.0.2.1"), enter(t, g, "192.0.2.1")
		if got := allowed(a, b, a, b); got != 3 {
			t.Errorf("%d of four messages were allowed, want 3", got)
		}
		a.Closed()
		b.Closed()
		c := enter(t, g, "192.0.2.1")
		if c.Allow() {
			t.Error("a new connection has a new rate")
		}
		if !enter(t, g, "192.0.2.2").Allow() {
			t.Error("another address has no rate of its own")
		}
		time.Sleep(time.Second)
		if got := allowed(c, c, c, c); got != 3 {
			t.Errorf("%d of four messages were allowed a second later, want 3", got)
		}
		if n := g.Stats().Messages; n != 3 {
			t.Errorf("%d refusals counted, want 3", n)
		}
	})
}

// A rate below one a second has recovered only after longer than that.
func TestIdleAddressesAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Upgrades: 0.1})
		open := enter(t, g, "192.0.2.1")
		enter(t, g, "192.0.2.2").Closed()
		time.Sleep(9 * time.Second)
		g.Sweep()
		wantRefused(t, g, "192.0.2.2")
		time.Sleep(11 * time.Second)
		g.Sweep()
		if n := g.Stats().Addresses; n != 1 {
			t.Errorf("%d addresses are known, want the one that is connected", n)
		}
		enter(t, g, "192.0.2.2")
		open.Closed()
	})
}

// A flood of addresses takes no more room than the table has, and takes none from
// those who are connected.
func TestFloodOfAddresses(t *testing.T) {
	t.Parallel()
	g := New(Config{Conns: 1, Upgrades: 1, Messages: 1})
	inside := enter(t, g, "192.0.2.1")
	var raw [16]byte
	copy(raw[:], []byte{0x20, 0x01, 0x0d, 0xb8})
	asked := 0
	for i := range uint32(idleLimit + idleLimit/4) {
		binary.BigEndian.PutUint32(raw[4:], i)
		a, err := g.Admit(&engine.Request{RemoteAddr: &net.TCPAddr{IP: raw[:], Port: 1}}, "")
		if err != nil {
			t.Fatal(err)
		}
		if asked++; asked%1000 == 0 { // forgotten or not, it may still open
			if err := a.Open(); err != nil {
				t.Fatal(err)
			}
			a.Closed()
		}
	}
	if n := g.Stats().Addresses; n > idleLimit+1 {
		t.Errorf("%d addresses are known, want at most %d", n, idleLimit+1)
	}
	wantRefused(t, g, "192.0.2.1")
	inside.Closed()
}

// A connection whose address was forgotten between asking and opening counts all
// the same.
func TestForgottenMeanwhile(t *testing.T) {
	t.Parallel()
	g := New(Config{Conns: 1})
	a, err := g.Admit(from("192.0.2.1"), "")
	if err != nil {
		t.Fatal(err)
	}
	g.table.memory = -1
	g.Sweep()
	if n := g.Stats().Addresses; n != 0 {
		t.Fatalf("%d addresses are known", n)
	}
	if err := a.Open(); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, g, "192.0.2.1")
	a.Closed()
	g.Sweep()
	if n := g.Stats().Addresses; n != 0 {
		t.Errorf("%d addresses are known at the end", n)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	g := New(Config{Conns: 4, Messages: 1e6})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				a, err := g.Admit(from("192.0.2.1"), "")
				if err != nil {
					continue
				}
				_ = a.Open() // late ones are refused
				a.Allow()
				a.Closed()
			}
		})
	}
	wg.Wait()
	if a := enter(t, g, "192.0.2.1"); a.address.conns != 1 {
		t.Errorf("%d connections are counted, want 1", a.address.conns)
	}
}

// What is no IP address, a socket of the file system, has no limit.
func TestOtherAddresses(t *testing.T) {
	t.Parallel()
	g := New(Config{Conns: 1})
	for _, addr := range []net.Addr{nil, &net.UnixAddr{Name: "@", Net: "unix"}, &net.TCPAddr{}} {
		for range 2 {
			a, err := g.Admit(&engine.Request{RemoteAddr: addr}, "")
			if err != nil {
				t.Fatalf("%v: %v", addr, err)
			}
			if err := a.Open(); err != nil {
				t.Errorf("%v: %v", addr, err)
			}
		}
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Rate{"20/s": 20, "0.5/s": 0.5, "0": 0, "0/s": 0} {
		var r Rate
		if err := r.UnmarshalText([]byte(in)); err != nil || r != want {
			t.Errorf("%q is %v, %v, want %v", in, r, err, want)
		}
		var again Rate
		if text, _ := r.MarshalText(); again.UnmarshalText(text) != nil || again != r {
			t.Errorf("%v comes back as %v", r, again)
		}
	}
	for _, in := range []string{"", "20", "-1/s", "fast", "20/m", "NaN/s", "1e300/s"} {
		var r Rate
		if err := r.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is %v", in, r)
		}
	}
}
