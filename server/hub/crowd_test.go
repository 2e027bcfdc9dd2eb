package hub_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signalbench/server/engine"
	"signalbench/server/hub"
)

// Peers come and go while several publish. One stays and sees all: what it sees
// is the order. Everybody else sees an unbroken part of that, which begins with
// what was published after its join and ends before its leave is answered.
func TestEveryMemberSeesAnUnbrokenPart(t *testing.T) {
	for _, c := range []struct{ crowd, homes int }{{0, 0}, {40, 0}, {150, 0}, {300, 3}} {
		t.Run(fmt.Sprintf("%d stay, %d homes", c.crowd, c.homes), func(t *testing.T) {
			t.Parallel()
			h := newHub(t, func(c *hub.Config) { c.QueueLen = 8 })
			var loops []engine.Home
			for range c.homes {
				loops = append(loops, newLoop(t))
			}
			home := func() engine.Home {
				if len(loops) == 0 {
					return nil
				}
				return loops[rand.IntN(len(loops))]
			}
			join := func() *fake {
				f := open(h, "vsn=2.0.0", nil, home())
				f.send(`["1","1","room:x","phx_join",{"presence":false}]`)
				return f
			}
			witness := join()
			var crowd []*fake
			for range c.crowd {
				crowd = append(crowd, join())
			}

			const publishers, least, enough = 3, 20, 30
			var sights atomic.Int64 // visits that saw something
			start := time.Now()
			var begun, ended [publishers]atomic.Int64 // calls of Broadcast
			var publishing, visiting sync.WaitGroup
			var over atomic.Bool
			for i := range publishers {
				publishing.Go(func() {
					for n := int64(1); n <= least || sights.Load() < enough && time.Since(start) < patience; n++ {
						begun[i].Store(n)
						for {
							_, err := h.Broadcast("room:x", "tick", fmt.Appendf(nil, "[%d,%d]", i, n))
							if err == nil {
								break
							}
							if !errors.Is(err, hub.ErrBusy) {
								t.Error(err)
								return
							}
							runtime.Gosched()
						}
						ended[i].Store(n)
						runtime.Gosched()
					}
				})
			}
			type visit struct {
				got           []string
				before, after [publishers]int64 // published for sure before its join; at most before its answer
				left          [publishers]int64 // begun before its leave was answered
			}
			var mu sync.Mutex
			var visits []visit
			for range 6 {
				visiting.Go(func() {
					f := open(h, "vsn=2.0.0", nil, home())
					for !over.Load() {
						var v visit
						for i := range publishers {
							v.before[i] = ended[i].Load()
						}
						f.send(`["1","1","room:x","phx_join",{"presence":false}]`)
						for i := range publishers {
							v.after[i] = begun[i].Load()
						}
						stay := v.after[0] + rand.Int64N(3)
						for f.count() < 3 && begun[0].Load() < stay+2 && sights.Load() < enough && !over.Load() {
							runtime.Gosched()
						}
						if rand.IntN(4) == 0 {
							h.Closed(f, nil)
							v.got = append(f.taken(), "", "") // as after a leave
							f = open(h, "vsn=2.0.0", nil, home())
						} else {
							f.send(`["1","2","room:x","phx_leave",{}]`)
							v.got = f.taken()
						}
						for i := range publishers {
							v.left[i] = begun[i].Load()
						}
						if len(v.got) > 3 {
							sights.Add(1)
						}
						mu.Lock()
						visits = append(visits, v)
						mu.Unlock()
						runtime.Gosched()
					}
					if late := f.taken(); len(late) > 0 {
						t.Errorf("after the leave came %q", late)
					}
				})
			}
			publishing.Wait()
			over.Store(true)
			visiting.Wait()

			var all int64
			for i := range publishers {
				all += ended[i].Load()
			}
			order := witness.await(t, 1+int(all))[1:]
			place := make(map[string]int)
			var last [publishers]int64
			number := func(text string) (who int, n int64) {
				if _, err := fmt.Sscanf(text, `[null,null,"room:x","tick",[%d,%d]]`, &who, &n); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				return who, n
			}
			for i, text := range order {
				place[text] = i
				who, n := number(text)
				if n != last[who]+1 {
					t.Fatalf("message %d of publisher %d comes after %d", n, who, last[who])
				}
				last[who] = n
			}
			for _, f := range crowd {
				if got := f.await(t, 1+len(order))[1:]; !slices.Equal(got, order) {
					t.Fatal("a member that stayed saw something else")
				}
			}
			for _, v := range visits {
				if len(v.got) < 3 || !strings.Contains(v.got[0], "phx_reply") || v.got[len(v.got)-2] != "" && !strings.Contains(v.got[len(v.got)-1], "phx_close") {
					t.Fatalf("a visitor got %q", v.got)
				}
				got := v.got[1 : len(v.got)-2]
				if len(got) == 0 {
					continue
				}
				start := place[got[0]]
				if !slices.Equal(got, order[start:min(start+len(got), len(order))]) {
					t.Fatalf("a visitor saw %q, the order is %q", got, order[start:min(start+len(got), len(order))])
				}
				for _, text := range got {
					who, n := number(text)
					if n <= v.before[who] || n > v.left[who] {
						t.Fatalf("message %d of publisher %d came to one that joined after %d and left before %d", n, who, v.before[who], v.left[who]+1)
					}
				}
				// What was not yet begun when its join was answered is not missed.
				for _, text := range order[:start] {
					if who, n := number(text); n > v.after[who] {
						t.Fatalf("message %d of publisher %d did not come to one that had joined at %d", n, who, v.after[who])
					}
				}
			}
			if n := sights.Load(); n < enough {
				t.Errorf("%d of %d visitors saw something", n, len(visits))
			}
			h.Closed(witness, nil)
			for _, f := range crowd {
				h.Closed(f, nil)
			}
			if st := h.Stats(); st.Rooms != 0 || st.Members != 0 {
				t.Errorf("%d rooms with %d members are left", st.Rooms, st.Members)
			}
		})
	}
}

// Peers come, signal and go in many rooms at once, and nothing is left of them.
func TestChurnLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t, func(c *hub.Config) { c.PresencePeriod = 1e6 })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				f := open(h, "vsn=2.0.0", nil, nil)
				for i := range 3 {
					f.send(fmt.Sprintf(`["%d","1","room:%d","phx_join",{"user":"u"}]`, i, rand.IntN(5)))
					f.send(fmt.Sprintf(`["%d","2","room:%d","chat",{}]`, i, rand.IntN(5)))
				}
				h.Closed(f, nil)
				if late := f.taken(); len(late) == 0 {
					t.Error("nothing came")
				}
			}
		})
	}
	all.Wait()
	if st := h.Stats(); st.Rooms != 0 || st.Members != 0 {
		t.Errorf("%d rooms with %d members are left", st.Rooms, st.Members)
	}
}

// The members of an event loop that has ended get nothing more, and hold nobody up.
func TestEndedHome(t *testing.T) {
	h := newHub(t, func(c *hub.Config) { c.QueueLen = 2 })
	alive, dead := newLoop(t), newLoop(t)
	var all []*fake
	for i := range 100 {
		home := engine.Home(alive)
		if i >= 90 {
			home = dead
		}
		f := open(h, "vsn=2.0.0", nil, home)
		f.send(`["1","1","room:x","phx_join",{"presence":false}]`)
		all = append(all, f)
	}
	dead.ended.Store(true)
	for i := range 20 {
		for {
			_, err := h.Broadcast("room:x", "tick", fmt.Appendf(nil, "%d", i))
			if err == nil {
				break
			}
			runtime.Gosched()
		}
	}
	for _, f := range all[:90] {
		f.await(t, 21)
	}
	for _, f := range all[90:] {
		if got := f.taken(); len(got) != 1 {
			t.Errorf("one at the ended home got %q", got)
		}
	}
	for _, f := range all {
		h.Closed(f, nil)
	}
	if st := h.Stats(); st.Rooms != 0 || st.Members != 0 {
		t.Errorf("%d rooms with %d members are left", st.Rooms, st.Members)
	}
}
