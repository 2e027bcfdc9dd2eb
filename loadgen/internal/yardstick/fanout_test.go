package yardstick

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// Tables of one fifth of the connections are enough, and the rounds of several
// measurements are one result.
func TestFanout(t *testing.T) {
	const conns = 500
	f := &Fanout{Conns: conns, Bytes: 130, Round: 20 * time.Millisecond}
	if f.Result() != nil {
		t.Error("a result of nothing")
	}
	for n := 1; n <= 2; n++ {
		begun := time.Now()
		if err := f.Measure(context.Background(), spare+conns/5); err != nil {
			t.Fatal(err)
		}
		took := time.Since(begun).Seconds()
		r := f.Result()
		if r.Conns != conns || r.Bytes != 130 || len(r.Rounds) != n*FanoutRounds {
			t.Fatalf("%d B to %d connections in %d rounds", r.Bytes, r.Conns, len(r.Rounds))
		}
		if r.PerSecond != median(r.Rounds) {
			t.Errorf("%v/s is not the median of %v", r.PerSecond, r.Rounds)
		}
		for _, rate := range r.Rounds[(n-1)*FanoutRounds:] {
			// A round has whole passes and lasts a while.
			if passes := rate * took / conns; passes < 1 || rate <= 0 {
				t.Errorf("%v/s is less than a pass in the time of all", rate)
			}
		}
		for _, way := range f.ways {
			if len(way) != n*FanoutRounds || median(way) > r.PerSecond {
				t.Errorf("%v is not the fastest of %v", r.Rounds, f.ways)
			}
		}
	}
}

// A frame that is longer than sockets take at once arrives whole, too.
func TestFanoutOfLongFrames(t *testing.T) {
	f := &Fanout{Conns: 3, Bytes: 8 << 20, Round: 1}
	if err := f.Measure(context.Background(), 20_000); err != nil {
		t.Fatal(err)
	}
	if r := f.Result(); r.PerSecond <= 0 {
		t.Errorf("%v/s", r.PerSecond)
	}
}

func TestFanoutPairs(t *testing.T) {
	cores := runtime.NumCPU()
	for _, c := range []struct{ conns, limit, want int }{
		{1, 20_000, 1},
		{20_000 - spare, 20_000, max(1, cores)},
		{100_000, 20_000, max(6, cores)},
		{1_000_000, 20_000, max(51, cores)},
		{1_000_000, 2_000_000, cores},
	} {
		if got, err := (&Fanout{Conns: c.conns, Bytes: 1}).pairs(c.limit); err != nil || got != c.want {
			t.Errorf("%d connections with tables of %d: %d pairs (%v), want %d", c.conns, c.limit, got, err, c.want)
		}
	}
}

func TestFanoutRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		f     Fanout
		limit int
	}{
		"no connection":      {Fanout{Bytes: 1}, 20_000},
		"no byte":            {Fanout{Conns: 1}, 20_000},
		"too small a table":  {Fanout{Conns: 1, Bytes: 1}, spare},
		"more than it holds": {Fanout{Conns: 1, Bytes: 1}, 0},
	} {
		if err := c.f.Measure(context.Background(), c.limit); err == nil || c.f.Result() != nil {
			t.Errorf("%s: measured", name)
		}
	}
}

// Whoever does not want to wait any more gets all threads out of their calls.
func TestFanoutStops(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		f := &Fanout{Conns: 2000, Bytes: 100}
		if err := f.Measure(ctx, 20_000); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("meanwhile", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		c, err := openCrowd(ctx, 100, 100, 2)
		defer c.close()
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := c.round(ctx, 1, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a reader that is gone", func(t *testing.T) {
		c, err := openCrowd(context.Background(), 2, 8<<20, 1)
		defer c.close()
		if err != nil {
			t.Fatal(err)
		}
		c.came <- errStopped
		if err := c.pass(context.Background(), 1); !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
	})
}

// Nothing is left, neither sockets nor copies of those of the process.
func TestFanoutLeavesNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	c, err := openCrowd(context.Background(), 1000, 100, 2)
	if err != nil {
		t.Fatal(err)
	}
	// A copy in a thread's table would keep the connection open.
	ours.Close()
	theirs.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a connection of the process: %v, want the end of the stream", err)
	}
	var ports []int
	for _, p := range c.pairs {
		ports = append(ports, p.port)
	}
	c.close()
	for _, port := range ports {
		wantNone(t, port)
	}
}

// BenchmarkFanoutAgainstC measures bare fan-out and its twin in C in turns: a ratio
// well under 1 would mean that the yardstick is a lenient one.
func BenchmarkFanoutAgainstC(b *testing.B) {
	inC := filepath.Join(b.TempDir(), "floor")
	if out, err := exec.Command("cc", "-O2", "-o", inC, "../../../scripts/peers/floor.c").CombinedOutput(); err != nil {
		b.Fatalf("compiling the twin: %v\n%s", err, out)
	}
	const size = 180
	for _, conns := range []int{1000, 10_000} {
		b.Run(strconv.Itoa(conns), func(b *testing.B) {
			f := &Fanout{Conns: conns, Bytes: size}
			var x []float64
			for b.Loop() {
				for range FanoutRounds {
					out, err := exec.Command(inC, "fanout", strconv.Itoa(conns), strconv.Itoa(size), strconv.Itoa(runtime.NumCPU()), "400").Output()
					if err != nil {
						b.Fatal(err)
					}
					v, err := strconv.ParseFloat(string(bytes.TrimSpace(out)), 64)
					if err != nil {
						b.Fatal(err)
					}
					x = append(x, v)
				}
				if err := f.Measure(context.Background(), 20_000); err != nil {
					b.Fatal(err)
				}
			}
			g := f.Result().PerSecond
			b.ReportMetric(g, "go/s")
			b.ReportMetric(median(x), "c/s")
			b.ReportMetric(g/median(x), "go/c")
		})
	}
}
