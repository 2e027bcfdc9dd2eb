package ledger

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"signalbench/loadgen/internal/adminapi"
	"signalbench/loadgen/internal/proctree"
	"signalbench/results"
)

// A worker that is replaced on purpose is no process that has died.
func TestRenewFindsTheNewWorkers(t *testing.T) {
	sh := exec.Command("sh", "-c", "sleep 60 & read go; kill $!; wait; sleep 60 & read go; kill $!")
	in, err := sh.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sh.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // ends read, which ends the worker
		_ = sh.Wait()
	})
	workers := func() []int {
		tree, err := proctree.Of("/proc", sh.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		return tree[1:]
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for limit := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatalf("not in time: %s", what)
			}
		}
	}
	until("a worker", func() bool { return len(workers()) == 1 })
	old := workers()
	s, err := New(context.Background(), Options{ServerPID: sh.Process.Pid})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := s.Meter()
	if _, err := in.Write([]byte("go\n")); err != nil {
		t.Fatal(err)
	}
	until("another worker", func() bool { w := workers(); return len(w) == 1 && !slices.Equal(w, old) })
	var target results.Target
	s.Finish(context.Background(), &target)
	if *target.Alive || !slices.Equal(target.Gone, old) || s.Tick().ServerRSS != -1 {
		t.Errorf("before: alive %v, gone %v", *target.Alive, target.Gone)
	}
	if err := s.Renew(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.Renew(s)
	target = results.Target{}
	s.Finish(context.Background(), &target)
	if !*target.Alive || target.Processes != 2 || len(target.Gone) > 0 {
		t.Errorf("after: %+v", target)
	}
	if tick := s.Tick(); tick.ServerRSS <= 0 || tick.ServerCPU < 0 {
		t.Errorf("tick %+v", tick)
	}
	if _, use := m.Read(); !use.Known {
		t.Error("the meter does not know the new worker")
	}
}

// A server that is another process after its restart is known only if its admin
// listener names it.
func TestRenewAfterTheProcessItself(t *testing.T) {
	start := func() *exec.Cmd {
		cmd := exec.Command("sleep", "60")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	end := func(cmd *exec.Cmd) {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	old, now := start(), start()
	defer end(now)
	var pid atomic.Int64
	pid.Store(int64(old.Process.Pid))
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(adminapi.Stats{PID: int(pid.Load())})
	}))
	defer admin.Close()
	told, err := New(context.Background(), Options{Admin: admin.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	alone, err := New(context.Background(), Options{ServerPID: old.Process.Pid})
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	end(old)
	pid.Store(int64(now.Process.Pid))

	if err := told.Renew(context.Background()); err != nil {
		t.Error(err)
	}
	target := told.Target()
	told.Finish(context.Background(), &target)
	if target.PID != now.Process.Pid || target.Alive == nil || !*target.Alive {
		t.Errorf("told: %+v", target)
	}
	if err := alone.Renew(context.Background()); err == nil || !strings.Contains(err.Error(), "nothing tells which one took its place") {
		t.Errorf("alone: %v", err)
	}
	target = alone.Target()
	if alone.Finish(context.Background(), &target); target.Alive != nil || target.PID != 0 {
		t.Errorf("alone: %+v", target)
	}
}
