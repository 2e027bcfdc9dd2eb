package hub_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"signalbench/server/engine"
	"signalbench/server/hub"
)

// A stuck is a home that does nothing before its gate is open.
type stuck struct {
	gate chan struct{}
	jobs atomic.Int64
}

func (s *stuck) Do(job func()) bool {
	s.jobs.Add(1)
	go func() {
		<-s.gate
		job()
	}()
	return true
}

// hold returns a room of 65 peers, of which the last is at a home that is stuck.
func hold(h *hub.Hub) (home *stuck, all []*fake) {
	home = &stuck{gate: make(chan struct{})}
	for range 65 {
		f := open(h, "vsn=2.0.0", nil, home)
		f.send(`["1","1","room:x","phx_join",{"presence":false}]`)
		f.taken()
		all = append(all, f)
	}
	return home, all
}

func publish(t *testing.T, h *hub.Hub, payload []byte, want error) {
	t.Helper()
	if _, err := h.Broadcast("room:x", "tick", payload); err != want {
		t.Fatalf("broadcasting: %v, want %v", err, want)
	}
	synctest.Wait()
}

// What waits for one home is bounded, in messages, and is asked for once.
func TestQueueLen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, func(c *hub.Config) { c.QueueLen = 3 })
		home, all := hold(h)
		for range 3 {
			publish(t, h, []byte("1"), nil)
		}
		publish(t, h, []byte("1"), hub.ErrBusy)
		if n := home.jobs.Load(); n != 1 {
			t.Errorf("%d jobs are posted, want 1", n)
		}
		if got := all[0].taken(); len(got) != 3 {
			t.Errorf("one elsewhere got %q", got)
		}
		close(home.gate)
		synctest.Wait()
		if got := all[64].taken(); len(got) != 3 {
			t.Errorf("the one at home got %q", got)
		}
		publish(t, h, []byte("1"), nil)
	})
}

// And in bytes.
func TestQueueBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, func(c *hub.Config) { c.QueueBytes = 1100 })
		home, _ := hold(h)
		long := append(append([]byte{'"'}, bytes.Repeat([]byte("x"), 300)...), '"')
		for range 3 {
			publish(t, h, long, nil)
		}
		publish(t, h, long, nil) // is taken while less than 1100 B wait
		publish(t, h, []byte("1"), hub.ErrBusy)
		close(home.gate)
		synctest.Wait()
		for range 20 {
			publish(t, h, long, nil)
		}
	})
}

// When the last at a home has left, nothing waits for it any more.
func TestLeavingFreesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, func(c *hub.Config) { c.QueueLen = 1 })
		home, all := hold(h)
		publish(t, h, []byte("1"), nil)
		publish(t, h, []byte("2"), hub.ErrBusy)
		h.Closed(all[64], nil)
		publish(t, h, []byte("3"), nil)
		if got := all[0].taken(); len(got) != 2 {
			t.Errorf("one elsewhere got %q", got)
		}
		close(home.gate)
		synctest.Wait()
		if got := all[64].taken(); len(got) != 0 {
			t.Errorf("one that left got %q", got)
		}
	})
}

// Broadcasts and presence carry their own policies to the engine, relays and
// replies none.
func TestPolicies(t *testing.T) {
	h := newHub(t, func(c *hub.Config) { c.SlowBroadcast, c.SlowPresence = engine.SlowClose, engine.SlowDrop })
	a, b := open(h, "vsn=2.0.0", nil, nil), open(h, "vsn=2.0.0", nil, nil)
	a.send(`["1","1","room:x","phx_join",{}]`)
	b.send(`["1","1","room:x","phx_join",{}]`)
	b.send(`["1","2","room:x","chat",{}]`)
	if got, want := a.policies, []engine.SlowPolicy{engine.SlowDrop, engine.SlowDrop, engine.SlowClose}; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("policies of state, diff and broadcast are %q, want %q", got, want)
	}
	b.fill(true)
	id := idPattern.FindStringSubmatch(b.taken()[0])[1]
	a.taken()
	a.send(`["1","2","room:x","offer",{"to":"` + id + `"}]`)
	if got := a.taken(); len(got) != 1 || got[0] != `["1","2","room:x","phx_reply",{"status":"error","response":{"reason":"peer is slow"}}]` {
		t.Errorf("a relay to a slow peer was answered %q", got)
	}
	if st := h.Stats(); st.Slow != 1 || st.Relayed != 0 {
		t.Errorf("counted %+v", st)
	}
}

// Settings that cannot be served with are refused by name.
func TestConfig(t *testing.T) {
	for field, edit := range map[string]func(*hub.Config){
		`prefix of topics ""`:      func(c *hub.Config) { c.TopicPrefix = "" },
		`prefix of topics "rooms"`: func(c *hub.Config) { c.TopicPrefix = "rooms" },
		`prefix of topics "a b:"`:  func(c *hub.Config) { c.TopicPrefix = "a b:" },
		"rooms per connection 0":   func(c *hub.Config) { c.RoomsPerConn = 0 },
		"peers per room -1":        func(c *hub.Config) { c.PeersPerRoom = -1 },
		"peers in presence -1":     func(c *hub.Config) { c.PresenceLimit = -1 },
		"presence period 0s":       func(c *hub.Config) { c.PresencePeriod = 0 },
		"user and meta of -1 B":    func(c *hub.Config) { c.MaxMeta = -1 },
		"queue of 0 messages":      func(c *hub.Config) { c.QueueLen = 0 },
		"queue of 0 B":             func(c *hub.Config) { c.QueueBytes = 0 },
		`policy of broadcasts "x"`: func(c *hub.Config) { c.SlowBroadcast = "x" },
		`policy of presence "x"`:   func(c *hub.Config) { c.SlowPresence = "x" },
	} {
		cfg := hub.DefaultConfig()
		edit(&cfg)
		if _, err := hub.New(cfg); err == nil || !bytes.Contains([]byte(err.Error()), []byte(field)) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What comes in by the opening handshake.
func TestAccept(t *testing.T) {
	h := newHub(t, nil)
	for _, c := range []struct {
		path, query string
		status      int
	}{
		{hub.Path, "", 0}, {hub.Path, "vsn=2.0.0", 0}, {hub.Path, "a=b&vsn=1.0.0&c", 0}, {hub.Path, "vsn=2%2E0", 0},
		{hub.Path, "vsn=3.0.0", 400}, {"/socket", "", 404},
	} {
		err := h.Accept(&engine.Request{Path: c.path, RawQuery: c.query})
		status := 0
		if refusal, ok := err.(*engine.Refusal); ok {
			status = refusal.Status
		}
		if status != c.status || (err == nil) != (c.status == 0) {
			t.Errorf("%s?%s: %v, want status %d", c.path, c.query, err, c.status)
		}
	}
}

// Broadcast refuses what clients could not read or would take for the server's.
func TestBroadcastRefuses(t *testing.T) {
	h := newHub(t, nil)
	for _, c := range []struct{ topic, event, payload string }{
		{"lobby", "tick", "1"}, {"room:x", "phx_close", "{}"}, {"room:x", "tick", "{"}, {"room:x", "tick", `1,"more"`},
		{"room:x", string(make([]byte, 1000)), "1"},
		{"room:x", "tick", "\"\xff\""}, {"room:x", "\xff", "1"}, {"room:\xff", "tick", "1"}, // valid as JSON to Go
	} {
		if n, err := h.Broadcast(c.topic, c.event, []byte(c.payload)); err == nil {
			t.Errorf("%q, %q, %q: to %d", c.topic, c.event, c.payload, n)
		}
	}
	if n, err := h.Broadcast("room:x", "tick", []byte("1")); n != 0 || err != nil {
		t.Errorf("to a room that is not there: %d, %v", n, err)
	}
}
