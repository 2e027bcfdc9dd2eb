package trial

import (
	"bufio"
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

// order is a server that notes the path of each upgrade, in their order.
type order struct {
	mu    sync.Mutex
	paths []string
}

func (o *order) talk(c net.Conn) {
	defer c.Close()
	up := ws.Upgrader{OnRequest: func(uri []byte) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.paths = append(o.paths, string(uri))
		return nil
	}}
	buffered := bufio.NewReader(c)
	if _, err := up.Upgrade(struct {
		io.Reader
		io.Writer
	}{buffered, c}); err != nil {
		return
	}
	for {
		if f, err := wiretest.ReadFrame(buffered); err != nil || f.Header.OpCode == ws.OpClose {
			return
		}
	}
}

// Without a rate one group of lanes dials after the other, and each has the
// connections of one destination, also where a plateau cuts a group in two.
func TestGroupsTakeTurns(t *testing.T) {
	t.Parallel()
	const conns, groups, lanes = 60, 3, 2
	o := new(order)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { o.talk(c) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	base := "ws://" + l.Addr().String()
	tg, err := target.Resolve(context.Background(), []string{base + "/0", base + "/1", base + "/2"}, "")
	if err != nil {
		t.Fatal(err)
	}
	tg.Fill(0)
	p := (&server{l: l}).plan(t, Hold)
	p.Target, p.Conns, p.Lanes, p.Groups, p.Ramp, p.Plateaus = tg, conns, lanes, groups, pace.Max, 2
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); len(bad) > 0 {
		t.Errorf("invalid: %q", bad)
	}
	i := slices.IndexFunc(run.Phases, func(p results.Phase) bool { return p.Kind == results.Ramp })
	if d := run.Phases[i].Dials; d.Upgraded != conns || d.Scheduled != conns {
		t.Errorf("ramp %+v", d)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	rehearsed := len(tg.URLs) + groups*lanes // one to each URL first, one on each lane then
	if len(o.paths) != rehearsed+conns {
		t.Fatalf("%d upgrades, want %d", len(o.paths), rehearsed+conns)
	}
	if ramp := o.paths[rehearsed:]; !slices.IsSorted(ramp) || ramp[conns/groups-1] != "/0" || ramp[conns/groups] != "/1" {
		t.Errorf("groups did not take turns: %q", ramp)
	}
}
