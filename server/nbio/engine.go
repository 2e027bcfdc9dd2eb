package nbio

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"time"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/nbhttp"

	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// Entry is the engine's line in the server's list.
var Entry = engine.Entry{
	Name:      "nbio",
	IdleBytes: 3000,
	Summary:   "lesismal/nbio, non-blocking: its own epoll loops, HTTP parser and frames, handlers in its pool",
	Optional:  true,
	Lesson:    lesson,
	New:       New,
}

// New returns the engine. It serves every valid Config without TLS.
func New(cfg engine.Config) (engine.Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.TLS != nil {
		return nil, errors.New("nbio has a TLS of its own, which takes no configuration of crypto/tls")
	}
	return &listening{cfg: cfg}, nil
}

// never is the library's patience with a connection. Its timers close on their own
// goroutine, where [server.open] has to wait for the loop behind them; ours have the
// loop close. And the one of a handshake begins after the connection is served, maybe
// after its upgrade, in place of the one begun then.
const never = time.Duration(math.MaxInt64 / 2)

// listening is the engine.
type listening struct{ cfg engine.Config }

// Serve implements [engine.Engine].
func (e *listening) Serve(ctx context.Context, listeners []net.Listener, h engine.Handler) error {
	s := newServer(&e.cfg, h)
	doors := make([]*door, len(listeners))
	addresses := make([]string, len(listeners))
	for i, l := range listeners {
		doors[i] = &door{Listener: l, server: s, quit: make(chan struct{}), gone: make(chan struct{})}
		addresses[i] = l.Addr().String()
	}
	opened := 0
	loops := nbhttp.NewEngine(nbhttp.Config{
		Network: "tcp",
		Addrs:   addresses,
		Listen: func(string, string) (net.Listener, error) {
			opened++
			return doors[opened-1], nil
		},
		Handler:                      s,
		IOMod:                        nbhttp.IOModNonBlocking,
		NPoller:                      pollers(e.cfg.Pollers),
		MaxLoad:                      1 << 30, // the doors count
		ReadLimit:                    upgrade.MaxRequest + e.cfg.MaxMessage + 2*nbio.DefaultReadBufferSize,
		MaxWebsocketFramePayloadSize: 1 << 30, // else a message would be sent in fragments
		KeepaliveTime:                never,
		ReleaseWebsocketPayload:      true,
		SupportServerOnly:            true,
	})
	s.attach(loops)
	if err := loops.Start(); err != nil {
		for _, l := range listeners {
			_ = l.Close()
		}
		return err
	}
	var failed error
	beacons, err := lightBeacons(loops.Engine, pollers(e.cfg.Pollers))
	if err != nil {
		failed = fmt.Errorf("watching the event loops: %w", err)
	}
	defer putOut(beacons)
	s.beacons <- beacons
	if failed == nil {
		select {
		case <-ctx.Done():
		case failed = <-s.failed:
		}
	}
	for _, d := range doors {
		d.shut()
	}
	err = s.drain()
	loops.Stop()
	if failed != nil {
		return failed
	}
	return err
}

// pollers is the number of event loops, as Config.Pollers says.
func pollers(n int) int {
	if n > 0 {
		return n
	}
	return max(1, runtime.GOMAXPROCS(0)/2)
}
