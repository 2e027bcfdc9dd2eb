package workload

import (
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/sock"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/target"
)

// bareEcho is a WebSocket server that allocates nothing per message: it knows
// one size of message and answers what one read has brought with one write.
func bareEcho(c net.Conn, payload int) {
	defer c.Close()
	if _, err := ws.Upgrade(c); err != nil {
		return
	}
	extended := 0
	if payload > 125 {
		extended = 2
	}
	in, out := 6+extended+payload, 2+extended+payload
	buf, answer := make([]byte, 64*in), make([]byte, 0, 64*out)
	for have := 0; ; {
		n, err := c.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		answer = answer[:0]
		p := buf[:have]
		for ; len(p) >= in; p = p[in:] {
			if p[0]&0x0F == byte(ws.OpClose) {
				return
			}
			answer = append(answer, p[0], p[1]&0x7F)
			answer = append(answer, p[2:2+extended]...)
			body := p[6+extended : in]
			ws.Cipher(body, [4]byte(p[2+extended:6+extended]), 0)
			answer = append(answer, body...)
		}
		have = copy(buf, p)
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// bench runs load on real sockets until it has finished, after a ramp.
func bench(b *testing.B, conns int, load func(l *lane.Lane, d *Delivery, ring Ring, shard *record.Shard) Stage) (*record.Set, uint64) {
	const payload = 128
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { bareEcho(c, payload) })
		}
	})
	defer all.Wait()
	defer listener.Close()
	transport, err := sock.New(conns, false)
	if err != nil {
		b.Fatal(err)
	}
	tg, err := target.Resolve(context.Background(), []string{"ws://" + listener.Addr().String() + "/"}, "")
	if err != nil {
		b.Fatal(err)
	}
	layout, err := stamp.New(payload, 1)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	through := make(chan struct{}, 2)
	l := lane.New(lane.Config{
		Stride: 1, Conns: conns, Now: func() time.Duration { return time.Since(start) }, Transport: transport, Target: tg, Spread: tg.Spread(conns, 28000),
		Pending: 64, DialTimeout: time.Minute, CloseTimeout: time.Second, MaxMessage: 1 << 20, Notify: func() { through <- struct{}{} },
	})
	d := NewDelivery(l, NewEchoes(layout, frame.Binary))
	shard := record.NewShard(record.Response, record.Service, record.Lag)
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	l.Call(func() {
		d.Begin(nil, shard, Endless())
		l.Use(NewRamp(l, d, nil, 0, 0, conns, true, shard), shard)
	})
	<-through
	shard.Reset()
	var before, after runtime.MemStats
	l.Call(func() {
		d.Begin(nil, shard, Endless())
		l.Use(load(l, d, NewRing([]int{l.Open()}), shard), shard)
		b.ResetTimer()
		runtime.ReadMemStats(&before)
	})
	<-through
	runtime.ReadMemStats(&after)
	b.StopTimer()
	l.Stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	if o := shard.Ops; o.Completed != o.Scheduled || o.Completed == 0 {
		b.Fatalf("%+v", o)
	}
	return shard.Set, after.Mallocs - before.Mallocs
}

// allocations may be made by the runtime itself; one in a hundred operations is
// none of ours.
func allocations(b *testing.B, mallocs, ops uint64) {
	b.ReportMetric(float64(mallocs)/float64(ops), "allocs/echo")
	if mallocs > 200+ops/100 {
		b.Errorf("%d allocations in %d echoes", mallocs, ops)
	}
}

// counted is a closed loop that lasts until the benchmark has had its operations.
type counted struct {
	*Closed
	left int
}

func (w *counted) Received(c uint32, op frame.Opcode, p []byte, now time.Duration) {
	if w.left--; w.left <= 0 {
		w.Abort("")
	}
	w.Closed.Received(c, op, p, now)
}

// One echo of 128 B in a closed loop, server included.
func BenchmarkEchoClosed(b *testing.B) {
	b.ReportAllocs()
	set, mallocs := bench(b, 100, func(l *lane.Lane, d *Delivery, ring Ring, _ *record.Shard) Stage {
		return &counted{NewClosed(l, d, ring, Span{End: time.Hour}, 100), b.N}
	})
	allocations(b, mallocs, set.Ops.Completed)
}

// One echo of 128 B in an open loop, server included, at a rate far below what
// is possible: the time is the schedule's, and only allocations say something.
func BenchmarkEchoOpen(b *testing.B) {
	b.ReportAllocs()
	set, mallocs := bench(b, 100, func(l *lane.Lane, d *Delivery, ring Ring, _ *record.Shard) Stage {
		now := l.Now()
		return NewOpen(l, d, ring, Span{Start: now, Main: now, End: now + time.Hour}, pace.Constant{}, pace.First{Of: pace.Constant{Rate: 5000}, Count: uint64(b.N)})
	})
	b.ReportMetric(float64(set.Histogram(record.Lag).Quantile(0.5)), "lag-p50-ns")
	allocations(b, mallocs, set.Ops.Completed)
}
