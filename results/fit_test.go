package results

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// exact is a machine on which each connection costs the same: 5,000 B and one
// goroutine at the server, 100 B at the client, one set of kernel objects each.
func exact(kind ReadingKind, conns int) Reading {
	n := int64(conns)
	cache := func(fixed, each, size, perSlab, slab int64) SlabCache {
		return SlabCache{Active: fixed + each*n, ObjSize: size, PerSlab: perSlab, SlabBytes: slab}
	}
	return Reading{
		Kind: kind, Conns: conns,
		Server: Process{RSS: 10e6 + 5000*n, PSS: 9e6 + 4900*n, Anon: 8e6 + 4800*n, Heap: 1e6 + 1000*n, Stacks: 1e5 + 2048*n, Goroutines: 5 + n, Descriptors: 9 + n},
		Client: Process{RSS: 20e6 + 100*n, PSS: -1, Anon: 3e6 + 90*n, Heap: -1, Stacks: 1e5, Goroutines: 7, Descriptors: 12 + n},
		Kernel: Kernel{
			Slab: map[string]SlabCache{
				"TCP":              cache(10, 2, 2368, 13, 32768),
				"sock_inode_cache": cache(100, 2, 832, 19, 16384),
				"filp":             cache(900, 2, 192, 21, 4096),
				"dentry":           cache(50_000, 2, 192, 21, 4096),
				"eventpoll_epi":    cache(3, 2, 128, 32, 4096),
				"tw_sock_TCP":      cache(0, 0, 256, 16, 4096),
				"kmalloc-64":       cache(2000, 1, 64, 64, 4096),
				"kmalloc-512":      cache(700, 0, 512, 16, 8192),
				"ext4_inode_cache": cache(60_000, 1, 1128, 14, 16384),
				"vm_area_struct":   cache(5000, 0, 176, 23, 4096),
				"proc_inode_cache": cache(600, 1, 696, 23, 16384),
			},
			TCPMem: 56, TCPInUse: 7 + 2*n, MemTotal: 24e9, MemFree: 20e9 - 13_000*n, MemAvailable: 21e9,
		},
	}
}

func exactLedger(kind ReadingKind, conns ...int) *Ledger {
	l := new(Ledger)
	for _, n := range conns {
		l.Readings = append(l.Readings, exact(kind, n))
	}
	return l
}

func TestFitOfExactReadingsIsExact(t *testing.T) {
	l := exactLedger(Settled, 0, 2000, 4000, 6000, 8000, 10_000)
	FitLedger(l)
	objects := 2*(32768.0/13+16384.0/19+4096.0/21+4096.0/21+128) + 64
	for item, want := range map[string]struct {
		perConn, fixed float64
		unit           string
	}{
		"server.rss": {5000, 10e6, "B"}, "server.pss": {4900, 9e6, "B"}, "server.anon": {4800, 8e6, "B"},
		"server.heap": {1000, 1e6, "B"}, "server.stacks": {2048, 1e5, "B"}, "server.goroutines": {1, 5, "1"},
		"server.descriptors": {1, 9, "1"}, "client.rss": {100, 20e6, "B"}, "client.goroutines": {0, 7, "1"},
		"kernel.TCP": {2 * 32768.0 / 13, 10 * 32768.0 / 13, "B"}, "kernel.dentry": {2 * 4096.0 / 21, 50_000 * 4096.0 / 21, "B"},
		"kernel.eventpoll_epi": {256, 384, "B"}, "kernel.kmalloc-64": {64, 2000 * 64, "B"},
		// Grows with the connections, beyond doubt, and is no object of theirs.
		"kernel.ext4_inode_cache": {16384.0 / 14, 60_000 * 16384.0 / 14, "B"},
		ItemKernelSockets:         {objects, math.NaN(), "B"},
		ItemKernelServer:          {objects / 2, math.NaN(), "B"},
		ItemKernelClient:          {objects / 2, math.NaN(), "B"},
		ItemKernelOther:           {0, 700*512 + 5000*4096.0/23, "B"},
		ItemTCPMem:                {0, 56 * float64(os.Getpagesize()), "B"},
		ItemMachine:               {13_000, 4e9, "B"},
		ItemProcInodes:            {16384.0 / 23, 600 * 16384.0 / 23, "B"},
	} {
		s, ok := l.Slope(item, Settled)
		if !ok {
			t.Errorf("no slope of %s", item)
			continue
		}
		if s.Unit != want.unit || s.Readings != 5 || !s.HasInterval {
			t.Errorf("%s: %+v, want unit %s and an interval over the 5 plateaus", item, s, want.unit)
		}
		tiny := 1e-6 * (1 + math.Abs(want.perConn))
		if math.Abs(s.PerConn-want.perConn) > tiny || s.High-s.Low > 1e-3 || s.Low > s.PerConn || s.High < s.PerConn {
			t.Errorf("%s is %v (%v to %v) per connection, want %v", item, s.PerConn, s.Low, s.High, want.perConn)
		}
		if !math.IsNaN(want.fixed) && math.Abs(s.Fixed-want.fixed) > 1e-6*want.fixed+1e-3 {
			t.Errorf("%s is %v without connections, want %v", item, s.Fixed, want.fixed)
		}
	}
	for _, item := range []string{"client.pss", "client.heap", "kernel.tw_sock_TCP", "kernel.kmalloc-512", "kernel.vm_area_struct", "kernel.proc_inode_cache"} {
		if s, ok := l.Slope(item, Settled); ok {
			t.Errorf("%+v: want no row for what is not known or stands elsewhere", s)
		}
	}
	if _, ok := l.Slope("server.rss", AsRun); ok {
		t.Error("a slope of a kind without readings")
	}
}

// TestFitLeavesTheFirstCostToTheProcess: what comes once with the first
// connections is not spread over them.
func TestFitLeavesTheFirstCostToTheProcess(t *testing.T) {
	l := exactLedger(Settled, 0, 2000, 4000, 6000)
	for i := 1; i < len(l.Readings); i++ {
		l.Readings[i].Server.RSS += 3e6
	}
	FitLedger(l)
	if s, _ := l.Slope(ItemServerRSS, Settled); math.Abs(s.PerConn-5000) > 1e-3 || math.Abs(s.Fixed-13e6) > 1 {
		t.Errorf("%v per connection and %v fixed, want 5000 and 13e6", s.PerConn, s.Fixed)
	}
}

func TestFitOfFewReadings(t *testing.T) {
	for _, c := range []struct {
		name     string
		l        *Ledger
		kind     ReadingKind
		readings int // 0: no slope
		interval bool
	}{
		{"nothing", new(Ledger), Settled, 0, false},
		{"the baseline alone", exactLedger(Settled, 0), Settled, 0, false},
		{"one plateau", exactLedger(Settled, 1000), Settled, 0, false},
		{"one plateau twice", exactLedger(Settled, 1000, 1000), Settled, 0, false},
		{"baseline and one plateau", exactLedger(Settled, 0, 1000), Settled, 2, false},
		{"baseline and two plateaus", exactLedger(Settled, 0, 500, 1000), Settled, 3, true},
		{"two plateaus", exactLedger(AsRun, 500, 1000), AsRun, 2, false},
		{"three plateaus", exactLedger(AsRun, 500, 1000, 1500), AsRun, 3, true},
		{"peaks", exactLedger(Peak, 500, 1000, 1500), Peak, 3, true},
		{"a settled baseline helps out", &Ledger{Readings: []Reading{exact(Settled, 0), exact(AsRun, 800)}}, AsRun, 2, false},
	} {
		FitLedger(c.l)
		s, ok := c.l.Slope(ItemServerRSS, c.kind)
		if ok != (c.readings > 0) || s.Readings != c.readings || s.HasInterval != c.interval {
			t.Errorf("%s: %+v (%v), want %d readings, an interval: %v", c.name, s, ok, c.readings, c.interval)
		}
		if ok && math.Abs(s.PerConn-5000) > 1e-3 {
			t.Errorf("%s: %v per connection, want 5000", c.name, s.PerConn)
		}
		if _, err := json.Marshal(c.l); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestIntervalHoldsTheTruthAsOftenAsItSays draws ledgers with noise and counts
// how often the 95 % interval holds the slope that they were drawn from.
func TestIntervalHoldsTheTruthAsOftenAsItSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const trials = 800
	held := 0
	for range trials {
		l := exactLedger(Settled, 0, 2000, 4000, 6000, 8000, 10_000)
		for i := range l.Readings {
			l.Readings[i].Server.RSS += int64(rng.NormFloat64() * 200e3)
		}
		FitLedger(l)
		s, _ := l.Slope(ItemServerRSS, Settled)
		if s.Low <= 5000 && 5000 <= s.High {
			held++
		}
	}
	if share := float64(held) / trials; share < 0.92 || share > 0.98 {
		t.Errorf("the interval holds the truth in %.1f %% of cases, want 95 %%", share*100)
	}
}

func TestKernelShares(t *testing.T) {
	for _, c := range []struct {
		name           string
		server, client int64 // descriptors per connection, -1: not known
		share          float64
		none           bool
	}{
		{"one each", 1, 1, 0.5, false},
		{"the server holds two for one socket", 2, 1, 0.5, false},
		{"the server is elsewhere", -1, 1, 0, false},
		{"the client has no sockets", 1, 0, 1, false},
		{"nobody has", 0, 0, 0, true},
	} {
		l := exactLedger(Settled, 1000, 2000, 3000)
		for i := range l.Readings {
			r := &l.Readings[i]
			set := func(each int64) int64 {
				if each < 0 {
					return -1
				}
				return 9 + each*int64(r.Conns)
			}
			r.Server.Descriptors, r.Client.Descriptors = set(c.server), set(c.client)
		}
		FitLedger(l)
		all, _ := l.Slope(ItemKernelSockets, Settled)
		s, ok := l.Slope(ItemKernelServer, Settled)
		if ok == c.none || math.Abs(s.PerConn-c.share*all.PerConn) > 1e-6*all.PerConn {
			t.Errorf("%s: the server's share is %v of %v (%v), want %v of it", c.name, s.PerConn, all.PerConn, ok, c.share)
		}
	}
}

func TestKernelThatTellsNothing(t *testing.T) {
	l := exactLedger(Settled, 1000, 2000, 3000)
	for i := range l.Readings {
		l.Readings[i].Kernel = Kernel{TCPMem: -1, MemTotal: -1, MemFree: -1, MemAvailable: -1}
	}
	FitLedger(l)
	for _, s := range l.Slopes {
		if s.Item[0] == 'k' || s.Item[0] == 'm' {
			t.Errorf("%+v", s)
		}
	}
	if _, ok := l.Slope(ItemServerRSS, Settled); !ok {
		t.Error("no slope of the server")
	}
}

func TestFittingTwiceIsFittingOnce(t *testing.T) {
	l := exactLedger(Settled, 0, 1000, 2000, 3000)
	FitLedger(l)
	n := len(l.Slopes)
	FitLedger(l)
	if len(l.Slopes) != n {
		t.Errorf("%d slopes after the second fit, %d after the first", len(l.Slopes), n)
	}
}
