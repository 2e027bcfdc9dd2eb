package netpoll_test

import (
	"fmt"
	"testing"
	"time"
)

// A server that is out of descriptors leaves connections in the accept queue,
// tries again at intervals without spinning, and takes them when there is room.
func TestOutOfDescriptors(t *testing.T) {
	for _, tables := range []int{1, 2} {
		t.Run(fmt.Sprint(tables), func(t *testing.T) { outOfDescriptors(t, tables) })
	}
}

func outOfDescriptors(t *testing.T, tables int) {
	t.Parallel()
	const limit = 64
	clients := 80 * tables // half of them fit beside what the process has open itself
	c := startChild(t, limit, tables)
	s := &serving{addr: c.addr}
	peers := make([]*peer, clients)
	for i := range peers {
		p, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if _, err := p.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		peers[i] = p
	}
	errors := func(n int) func() bool {
		return func() bool { return c.ask(t, "accept-errors") >= n }
	}
	eventually(t, "failing accept", errors(1))
	eventually(t, "upgrade of those that were accepted", func() bool { return c.ask(t, "open") > 0 })
	if open := c.ask(t, "open"); open >= limit*tables {
		t.Errorf("%d connections are open under a limit of %d descriptors", open, limit*tables)
	}
	if err := peers[0].expect(101); err != nil {
		t.Fatal(err)
	}
	if err := peers[0].echo("still served"); err != nil {
		t.Error(err)
	}
	first := c.ask(t, "accept-errors")
	start := time.Now()
	eventually(t, "another attempt", errors(first+2*tables))
	// Two more attempts of a table are at least one whole pause apart: 10 s / 20.
	if took := time.Since(start); took < 400*time.Millisecond {
		t.Errorf("tried twice within %v", took)
	}
	for _, p := range peers[:clients/2] {
		p.Close()
	}
	for i, p := range peers[clients/2:] {
		if err := p.expect(101); err != nil {
			t.Fatalf("connection %d was not taken when there was room: %v", clients/2+i, err)
		}
		if err := p.echo("served at last"); err != nil {
			t.Error(err)
		}
	}
}

// In several tables there is room for more connections than the limit of
// descriptors.
func TestMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	const limit, tables, clients = 100, 4, 250
	s := &serving{addr: startChild(t, limit, tables).addr}
	var peers []*peer
	for range clients {
		peers = append(peers, s.open(t))
	}
	for i, p := range peers {
		if err := p.echo(fmt.Sprint("peer ", i)); err != nil {
			t.Error(err)
		}
	}
}
