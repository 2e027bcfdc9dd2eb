package yardstick

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMeasure(t *testing.T) {
	begun := time.Now()
	y, err := Measure(context.Background(), 2*Burst+spare+1)
	if err != nil {
		t.Fatal(err)
	}
	if y.Conns != 2*Burst || len(y.Rounds) != Rounds {
		t.Fatalf("%d connections in %d rounds, want %d in %d", y.Conns, len(y.Rounds), 2*Burst, Rounds)
	}
	for _, rate := range y.Rounds {
		if took := float64(y.Conns) / rate; rate <= 0 || took > time.Since(begun).Seconds() {
			t.Errorf("a round at %v/s took longer than all", rate)
		}
	}
	if sorted := slices.Sorted(slices.Values(y.Rounds)); y.Connects != sorted[Rounds/2] {
		t.Errorf("%v/s is not the median of %v", y.Connects, y.Rounds)
	}
}

func TestRoundOf(t *testing.T) {
	for limit, want := range map[int]int{0: 0, spare + Burst - 1: 0, spare + Burst: Burst, 1024: Burst, 20_000: Conns, 1 << 30: Conns} {
		if got := roundOf(limit); got != want {
			t.Errorf("limit %d: rounds of %d, want %d", limit, got, want)
		}
	}
}

func TestTooFewDescriptors(t *testing.T) {
	if _, err := Measure(context.Background(), 256); err == nil {
		t.Error("measured with 256 descriptors")
	}
}

// What a run measures next must not meet what the yardstick left.
func TestNothingIsLeft(t *testing.T) {
	l, port, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := round(context.Background(), l, port, Burst); err != nil {
		t.Fatal(err)
	}
	wantNone(t, port)
}

// wantNone waits until no socket has the port: the threads' own copies of a
// listener end with them, which nobody waits for.
func wantNone(t *testing.T, port int) {
	t.Helper()
	// A list of millions of sockets takes long to read, so what counts is when that began.
	for end := time.Now().Add(10 * time.Second); ; {
		late := time.Now().After(end)
		left := sockets(t, port)
		if len(left) == 0 {
			return
		}
		if late {
			t.Fatalf("%d sockets are left, the first: %s", len(left), left[0])
		}
	}
}

// sockets lists those of 127.0.0.1 with a port at either end, in any state
// (proc(5), /proc/net/tcp).
func sockets(t *testing.T, port int) (list []string) {
	t.Helper()
	data, err := os.ReadFile("/proc/thread-self/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, fmt.Sprintf("0100007F:%04X ", port)) {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}

// Whoever does not want to wait any more gets both halves out of their calls.
func TestStop(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := Measure(ctx, 20_000); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("while accepting", func(t *testing.T) {
		l, _, err := Listen()
		if err != nil {
			t.Fatal(err)
		}
		// A port where nobody listens: the client fails, and the server half has
		// nothing to accept.
		if _, err := round(context.Background(), l, 1, Burst); err == nil {
			t.Error("connected to port 1")
		}
	})
}
