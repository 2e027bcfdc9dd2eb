package hub_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"signalbench/server/hub"
)

// A seen is a message of presence as a client reads it.
type seen struct {
	event         string
	joins, leaves []string // sorted ids; the state's as joins
}

// presence reads what of a connection's messages is about presence.
func presence(t testing.TB, messages []string) (all []seen) {
	t.Helper()
	ids := func(raw json.RawMessage) []string {
		var entries map[string]struct{ Metas []map[string]any }
		if err := json.Unmarshal(raw, &entries); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		for id, e := range entries {
			if len(e.Metas) != 1 || e.Metas[0]["phx_ref"] != id {
				t.Fatalf("entry %s has metas %v", id, e.Metas)
			}
		}
		return slices.Sorted(maps.Keys(entries))
	}
	for _, text := range messages {
		var m [5]json.RawMessage
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		switch string(m[3]) {
		case `"presence_state"`:
			all = append(all, seen{event: "state", joins: ids(m[4])})
		case `"presence_diff"`:
			var diff struct{ Joins, Leaves json.RawMessage }
			if err := json.Unmarshal(m[4], &diff); err != nil {
				t.Fatal(err)
			}
			all = append(all, seen{"diff", ids(diff.Joins), ids(diff.Leaves)})
		}
	}
	return all
}

// enter joins room:x and returns the connection and its id.
func enter(t testing.TB, h *hub.Hub) (*fake, string) {
	t.Helper()
	f := open(h, "vsn=2.0.0", nil, nil)
	f.send(`["1","1","room:x","phx_join",{"user":"u"}]`)
	m := idPattern.FindStringSubmatch(f.got[0])
	if m == nil {
		t.Fatalf("joining was answered %s", f.got[0])
	}
	return f, m[1]
}

func wantSeen(t testing.TB, who *fake, want ...seen) {
	t.Helper()
	synctest.Wait()
	got := presence(t, who.taken())
	for i := range want {
		slices.Sort(want[i].joins)
		slices.Sort(want[i].leaves)
	}
	if !slices.EqualFunc(got, want, func(a, b seen) bool {
		return a.event == b.event && slices.Equal(a.joins, b.joins) && slices.Equal(a.leaves, b.leaves)
	}) {
		t.Errorf("saw %v, want %v", got, want)
	}
}

const period = 50 * time.Millisecond

// The first change is told at once, further ones together when the period is over.
func TestDiffsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, nil)
		a, idA := enter(t, h)
		wantSeen(t, a, seen{"state", []string{idA}, nil})
		_, idB := enter(t, h)
		wantSeen(t, a, seen{"diff", []string{idB}, nil})
		c, idC := enter(t, h)
		d, idD := enter(t, h)
		e, idE := enter(t, h)
		wantSeen(t, c, seen{"state", []string{idA, idB, idC}, nil})
		h.Closed(d, nil)
		time.Sleep(period - time.Nanosecond)
		wantSeen(t, a)
		time.Sleep(time.Nanosecond)
		wantSeen(t, a, seen{"diff", []string{idC, idE}, []string{idD}})
		wantSeen(t, c, seen{"diff", []string{idC, idE}, []string{idD}})
		time.Sleep(period)
		wantSeen(t, a)
		e.send(`["1","2","room:x","phx_leave",{}]`)
		wantSeen(t, a, seen{"diff", nil, []string{idE}})
		if st := h.Stats(); st.Broadcasts != 3 || st.Slow != 0 {
			t.Errorf("counted %+v, want 3 broadcasts", st)
		}
	})
}

// Who lost a diff gets the whole state as soon as it has room, and nothing in
// between.
func TestLostDiffIsMadeGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, nil)
		a, idA := enter(t, h)
		b, idB := enter(t, h)
		wantSeen(t, a, seen{"state", []string{idA}, nil}, seen{"diff", []string{idB}, nil})
		wantSeen(t, b, seen{"state", []string{idA, idB}, nil})
		time.Sleep(period)
		a.fill(true)
		_, idC := enter(t, h)
		time.Sleep(time.Second)
		wantSeen(t, b, seen{"diff", []string{idC}, nil})
		a.fill(false)
		time.Sleep(time.Second)
		wantSeen(t, a, seen{"state", []string{idA, idB, idC}, nil})
		_, idD := enter(t, h)
		wantSeen(t, a, seen{"diff", []string{idD}, nil})
		time.Sleep(time.Second)
		wantSeen(t, a)
		if st := h.Stats(); st.Slow == 0 {
			t.Error("a full outbox was not counted")
		}
	})
}

// A room whose queue is full keeps what presence has to tell, and tells it later.
func TestPresenceOutlastsABusyRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, func(c *hub.Config) { c.QueueLen = 1 })
		home, all := hold(h)
		if n, err := h.Broadcast("room:x", "tick", []byte("1")); n != 65 || err != nil {
			t.Fatal(n, err)
		}
		if _, err := h.Broadcast("room:x", "tick", []byte("2")); err != hub.ErrBusy {
			t.Fatalf("a second message is taken with %v", err)
		}
		synctest.Wait()
		all[0].taken()
		all[0].send(`["1","2","room:x","tick",{}]`)
		if got := all[0].taken(); len(got) != 1 || got[0] != `["1","2","room:x","phx_reply",{"status":"error","response":{"reason":"room is busy"}}]` {
			t.Errorf("publishing was answered %q", got)
		}
		a, idA := enter(t, h)
		_, idB := enter(t, h)
		time.Sleep(time.Second)
		wantSeen(t, a, seen{"state", []string{idA}, nil})
		close(home.gate)
		time.Sleep(period)
		wantSeen(t, a, seen{"diff", []string{idB}, nil})
		if n, err := h.Broadcast("room:x", "tick", []byte("3")); n != 67 || err != nil {
			t.Errorf("broadcast to %d, %v", n, err)
		}
		synctest.Wait()
		if got := all[64].taken(); len(got) != 2 {
			t.Errorf("the member at home got %q", got)
		}
	})
}

// Leaves that nobody could be told of are not kept without end.
func TestManyLeavesBecomeTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, func(c *hub.Config) { c.PresenceLimit = 4 })
		a, idA := enter(t, h)
		b, idB := enter(t, h)
		wantSeen(t, a, seen{"state", []string{idA}, nil}, seen{"diff", []string{idB}, nil})
		for range 100 {
			f, _ := enter(t, h)
			h.Closed(f, nil)
		}
		c, idC := enter(t, h)
		wantSeen(t, a)
		time.Sleep(period)
		wantSeen(t, a, seen{"state", []string{idA, idB, idC}, nil})
		wantSeen(t, b, seen{"state", []string{idA, idB}, nil}, seen{"state", []string{idA, idB, idC}, nil})
		h.Closed(c, nil)
		time.Sleep(period)
		wantSeen(t, a, seen{"diff", nil, []string{idC}})
	})
}
