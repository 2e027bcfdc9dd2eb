package channel

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"signalbench/server/engine"
)

// BenchmarkSubscriber tells what a subscriber takes of the heap, the connection
// itself left out: all in one channel, and each in a channel of its own.
func BenchmarkSubscriber(b *testing.B) {
	const n = 100_000
	for name, path := range map[string]func(i int) string{
		"one":  func(int) string { return Prefix + "news" },
		"each": func(i int) string { return fmt.Sprint(Prefix, i) },
	} {
		b.Run(name, func(b *testing.B) {
			conns := make([]*fakeConn, n)
			requests := make([]*engine.Request, n)
			for i := range conns {
				conns[i], requests[i] = new(fakeConn), &engine.Request{Path: path(i)}
			}
			for b.Loop() {
				c := New(Config{Ping: 5 * time.Minute})
				before := live()
				for i, conn := range conns {
					c.Open(conn, requests[i])
				}
				b.ReportMetric(float64(live()-before)/n, "B/subscriber")
				for _, conn := range conns {
					c.Closed(conn, nil)
					conn.SetState(nil)
				}
			}
		})
	}
}

func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkPublish is a message to 10,000 subscribers without event loops.
func BenchmarkPublish(b *testing.B) {
	c := New(Config{})
	message := []byte("hello")
	for range 10_000 {
		c.Open(&mute, &engine.Request{Path: Prefix + "news"})
	}
	b.ReportAllocs()
	for b.Loop() {
		if n, err := c.Publish(b.Context(), "news", engine.OpText, message); n != 10_000 || err != nil {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// mute is a connection that takes everything and keeps nothing.
var mute muteConn

type muteConn struct{ fakeConn }

func (*muteConn) SendPrepared(*engine.Prepared) error { return nil }
