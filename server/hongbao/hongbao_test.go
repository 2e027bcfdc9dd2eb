package hongbao

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbench/server/engine"
	"signalbench/server/hongbao/packet"
)

// What a client may not send ends its connection.
func TestRefused(t *testing.T) {
	t.Parallel()
	login := packet.Packet{Type: packet.Login, User: 7}
	for name, c := range map[string]struct {
		first bool // log in as user 7
		op    engine.Opcode
		bytes []byte
		want  engine.CloseCode
	}{
		"text":              {true, engine.OpText, login.Append(nil), engine.CloseUnsupported},
		"no packet":         {true, engine.OpBinary, []byte("hello"), engine.CloseInvalidPayload},
		"ack":               {true, engine.OpBinary, (&packet.Packet{Type: packet.Ack, User: 7}).Append(nil), engine.ClosePolicyViolation},
		"gift":              {true, engine.OpBinary, (&packet.Packet{Type: packet.Gift, Sharers: 1}).Append(nil), engine.ClosePolicyViolation},
		"shake of another":  {true, engine.OpBinary, (&packet.Packet{Type: packet.Shake, User: 8}).Append(nil), engine.ClosePolicyViolation},
		"grab for another":  {true, engine.OpBinary, (&packet.Packet{Type: packet.Grab, User: 8}).Append(nil), engine.ClosePolicyViolation},
		"shake of nobody":   {false, engine.OpBinary, (&packet.Packet{Type: packet.Shake}).Append(nil), engine.ClosePolicyViolation},
		"grab before login": {false, engine.OpBinary, (&packet.Packet{Type: packet.Grab, User: 7}).Append(nil), engine.ClosePolicyViolation},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHandler(t, DefaultConfig())
			f := open(t, h)
			if c.first {
				f = enter(t, h, 7)
			}
			h.Message(f, c.op, c.bytes)
			if f.closed != c.want || len(f.take()) > 0 {
				t.Errorf("closed with %d, want %d", f.closed, c.want)
			}
			h.Closed(f, nil)
			if s := h.Stats(); s.Users != 0 || s.None != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{})
	a, b, c := enter(t, h, 1), enter(t, h, 2), enter(t, h, 3)
	say(h, a, packet.Packet{Type: packet.Login, User: 4})
	if got := a.take(); len(got) != 1 || got[0] != (packet.Packet{Type: packet.Ack, User: 4, Result: packet.Refused}) || a.closed != 0 {
		t.Errorf("a second login was answered with %+v", got)
	}
	if p := shake(t, h, a); p.User != 1 || p.Result != packet.None || p.ID != 0 || p.Amount != 0 {
		t.Errorf("a shake without envelopes was answered with %+v", p)
	}
	for i, f := range []*fake{b, a, c} {
		h.Closed(f, nil)
		if s := h.Stats(); s.Users != int64(2-i) {
			t.Errorf("%d users are there after %d left", s.Users, i+1)
		}
	}
}

// Envelopes enter at their rate while somebody shakes, each is for one shake, and
// nothing enters while nobody does.
func TestEnvelopes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHandler(t, Config{Envelopes: 20})
		f := enter(t, h, 1)
		time.Sleep(time.Hour)
		seen := map[uint32]bool{}
		var cents uint64
		for n := range 1001 { // 10 s
			if n > 0 {
				time.Sleep(10 * time.Millisecond)
			}
			p := shake(t, h, f)
			if p.Result != packet.Got {
				continue
			}
			if seen[p.ID] || p.Amount < leastMoney || p.Amount > mostMoney {
				t.Errorf("found %+v", p)
			}
			seen[p.ID] = true
			cents += uint64(p.Amount)
		}
		s := h.Stats()
		if len(seen) != 200 || s.Shaken != (Sum{200, cents}) || s.Entered != s.Shaken || s.Waiting != (Sum{}) || s.None != 801 {
			t.Errorf("found %d envelopes with %d cents, stats %+v", len(seen), cents, s)
		}
		time.Sleep(lull + time.Second)
		if p := shake(t, h, f); p.Result != packet.None {
			t.Errorf("after a lull a shake found %+v", p)
		}
		time.Sleep(lull)
		shake(t, h, f)
		if s := h.Stats(); s.Entered.Count != 200+batch {
			t.Errorf("%d envelopes entered with one shake, want %d", s.Entered.Count-200, batch)
		}
	})
}

// Envelopes that nobody shakes for are bounded.
func TestEnvelopesAreBounded(t *testing.T) {
	t.Parallel()
	var tr treasury
	for range envelopeLimit + 10 {
		tr.newEnvelope()
	}
	for range envelopeLimit / 2 {
		tr.shake(0)
		tr.newEnvelope()
	}
	s := tr.stats()
	if s.Waiting.Count != envelopeLimit || s.Unwanted != 10 || cap(tr.waiting) > 2*envelopeLimit+envelopeLimit/2 {
		t.Errorf("room for %d, stats %+v", cap(tr.waiting), s)
	}
	balance(t, s)
}

// Shakes beyond the limit of a second are answered with overload, in each second
// anew, whoever shakes.
func TestOverload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHandler(t, DefaultConfig())
		const users, more = 2, 100
		limit := int(DefaultConfig().Shakes)
		var fakes []*fake
		for u := range users {
			fakes = append(fakes, enter(t, h, uint32(u)))
		}
		for second, shakes := range []int{limit + more, more} {
			var overload atomic.Int64
			var all sync.WaitGroup
			for _, f := range fakes {
				all.Go(func() {
					for range shakes / users {
						say(h, f, packet.Packet{Type: packet.Shake, User: f.State().(*player).user})
					}
					for _, p := range f.take() {
						if p.Type == packet.Reply && p.Result == packet.Overload {
							overload.Add(1)
							if p.ID != 0 || p.Amount != 0 {
								t.Errorf("overload with %+v", p)
							}
						}
					}
				})
			}
			all.Wait()
			if n, want := int(overload.Load()), max(0, shakes-limit); n != want {
				t.Errorf("second %d: %d shakes were overload, want %d", second, n, want)
			}
			time.Sleep(time.Second)
		}
		s := h.Stats()
		if s.Overload != more || s.None+s.Shaken.Count != uint64(limit+more) {
			t.Errorf("stats %+v", s)
		}
		balance(t, s)
	})
}

// A gift is for three different users; who is told grabs a share once, nobody else
// does, and the shares are what the gift held.
func TestGift(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHandler(t, Config{Gifts: 1})
		var users []*fake
		for u := range uint32(5) {
			users = append(users, enter(t, h, u+10))
		}
		shake(t, h, users[0])
		for n := range 50 {
			time.Sleep(time.Second)
			shake(t, h, users[0])
			var gift packet.Packet
			var told []uint32
			for i, f := range users {
				for _, p := range f.take() {
					if p.Type != packet.Gift || gift.Type == packet.Gift && gift != p || !p.For(uint32(i+10)) {
						t.Fatalf("user %d was told %+v, others %+v", i+10, p, gift)
					}
					gift = p
					told = append(told, uint32(i))
				}
			}
			if len(told) != 3 || gift.Sharers != 3 || gift.Amount < leastMoney || gift.Amount > mostMoney {
				t.Fatalf("gift %d: %v were told %+v", n, told, gift)
			}
			sum := uint32(0)
			for i, f := range users {
				share := grab(t, h, f, gift.ID)
				if share > 0 != slices.Contains(told, uint32(i)) || share > gift.Amount {
					t.Errorf("user %d got %d of %+v", i+10, share, gift)
				}
				sum += share
				if again := grab(t, h, f, gift.ID); again != 0 {
					t.Errorf("user %d got another %d of a gift", i+10, again)
				}
			}
			if sum != gift.Amount {
				t.Errorf("%d of %d cents were grabbed", sum, gift.Amount)
			}
		}
		s := h.Stats()
		if s.Gifts != 50 || s.Told != 150 || s.Grabbed.Count != 150 || s.Waiting != (Sum{}) || s.Late != 50*7 {
			t.Errorf("stats %+v", s)
		}
		balance(t, s)
		for _, id := range []uint32{0, 1, 2, 7<<1 | 1, 1<<31 | 1, 1<<32 - 1} {
			if share := grab(t, h, users[0], id); share != 0 {
				t.Errorf("%d cents of a gift that there is not", share)
			}
		}
	})
}

// With fewer users there are fewer shares, and without any there is no gift.
func TestFewUsers(t *testing.T) {
	t.Parallel()
	for n := range packet.MaxUsers + 2 {
		var tr treasury
		for u := range n {
			tr.enter(&player{user: uint32(u)})
		}
		told, ok := tr.newGift()
		if want := min(n, packet.MaxUsers); ok != (n > 0) || len(told.to) != want || int(told.packet.Sharers) != want {
			t.Errorf("%d users: %+v", n, told)
		}
		if s := tr.stats(); s.Gifts+s.Unwanted != 1 || s.Unwanted == 1 != (n == 0) {
			t.Errorf("%d users: %+v", n, s)
		}
	}
}

// Gifts that nobody grabs are bounded: the oldest is taken back, with what is left.
func TestGiftsAreBounded(t *testing.T) {
	t.Parallel()
	var tr treasury
	for u := range uint32(3) {
		tr.enter(&player{user: u})
	}
	first, _ := tr.newGift()
	share := tr.grab(first.packet.ID, 1)
	for range giftLimit {
		tr.newGift()
	}
	s := tr.stats()
	if want := (Sum{1, uint64(first.packet.Amount - share)}); share == 0 || s.Returned != want || s.Waiting.Count != giftLimit {
		t.Errorf("returned %+v, want %+v; stats %+v", s.Returned, want, s)
	}
	if late := tr.grab(first.packet.ID, 0); late != 0 {
		t.Errorf("%d cents of a gift that was taken back", late)
	}
	balance(t, s)
}

func TestShares(t *testing.T) {
	t.Parallel()
	for range 10_000 {
		g := gift{cents: leastMoney + rand.Uint32N(mostMoney), pending: [3]bool{true, true, true}}
		g.left = g.cents
		for i := range g.pending {
			share := g.share()
			if share < 1 || share > g.left {
				t.Fatalf("a share of %d of %+v", share, g)
			}
			g.left -= share
			g.pending[i] = false
		}
		if g.left != 0 {
			t.Fatalf("%d cents of a gift are left", g.left)
		}
	}
}

// loop is an event loop that runs what it is given on a goroutine of its own.
type loop struct{ jobs chan func() }

func (l *loop) Do(job func()) bool { l.jobs <- job; return true }

// Many users at once, on connections with and without a home, who leave while others
// still shake: no cent is lost or given twice.
func TestConservation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const users, rounds = 50, 100
		h := newHandler(t, Config{Envelopes: 20_000, Gifts: 10_000})
		home := &loop{make(chan func(), 1<<16)}
		var loops, all sync.WaitGroup
		loops.Go(func() {
			for job := range home.jobs {
				job()
			}
		})
		var fakes []*fake
		for u := range uint32(users) {
			f := enter(t, h, u)
			if u%2 == 0 {
				f.home = home
			}
			fakes = append(fakes, f)
		}
		var mu sync.Mutex
		var received, shakes uint64
		envelopes := map[uint32]bool{}
		for i, f := range fakes {
			u := uint32(i)
			take := func() {
				for _, p := range f.take() {
					if p.Type == packet.Gift {
						if !p.For(u) {
							t.Errorf("user %d was told of %+v", u, p)
						}
						say(h, f, packet.Packet{Type: packet.Grab, User: u, ID: p.ID})
						continue
					}
					mu.Lock()
					received += uint64(p.Amount)
					if p.Type == packet.Reply {
						shakes++
					}
					if p.Result == packet.Got {
						if envelopes[p.ID] {
							t.Errorf("envelope %d came twice", p.ID)
						}
						envelopes[p.ID] = true
					}
					mu.Unlock()
				}
			}
			all.Go(func() {
				for range rounds {
					say(h, f, packet.Packet{Type: packet.Shake, User: u})
					take()
					time.Sleep(time.Millisecond + time.Duration(u)*10*time.Microsecond) // some are through before others
					balance(t, h.Stats())
				}
				h.Closed(f, nil)
				take() // what came before, and what that brings
				take()
			})
		}
		all.Wait()
		close(home.jobs)
		loops.Wait()
		s := h.Stats()
		balance(t, s)
		if s.Users != 0 || shakes != users*rounds || s.None+s.Shaken.Count != shakes || s.Shaken.Count < 1000 || s.Grabbed.Count < 1000 {
			t.Errorf("%d shakes, stats %+v", shakes, s)
		}
		if given := s.Shaken.Cents + s.Grabbed.Cents; given != received {
			t.Errorf("%d cents were given, %d received", given, received)
		}
	})
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{Envelopes: -1}, {Gifts: 1e12}, {Shakes: -0.5}} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "not within 0 and") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestStatsAdd(t *testing.T) {
	t.Parallel()
	one := Stats{1, 2, 3, 4, 5, 6, 7, Sum{8, 9}, Sum{10, 11}, Sum{12, 13}, Sum{14, 15}, Sum{16, 17}}
	two := one
	two.Add(one)
	if want := (Stats{2, 4, 6, 8, 10, 12, 14, Sum{16, 18}, Sum{20, 22}, Sum{24, 26}, Sum{28, 30}, Sum{32, 34}}); two != want {
		t.Errorf("%+v, want %+v", two, want)
	}
}
