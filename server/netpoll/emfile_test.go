package netpoll_test

import (
	"testing"
	"time"
)

// A server that is out of descriptors leaves connections in the accept queue,
// tries again at intervals without spinning, and takes them when there is room.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	const limit, clients = 64, 80 // half of the clients fit beside what the process has open itself
	c := startChild(t, limit)
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
	if open := c.ask(t, "open"); open >= limit {
		t.Errorf("%d connections are open under a limit of %d descriptors", open, limit)
	}
	if err := peers[0].expect(101); err != nil {
		t.Fatal(err)
	}
	if err := peers[0].echo("still served"); err != nil {
		t.Error(err)
	}
	first := c.ask(t, "accept-errors")
	start := time.Now()
	eventually(t, "another attempt", errors(first+2))
	// Two more attempts are at least one whole pause apart: 10 s / 20.
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
