package conns

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// Serve runs accept for each listener, wrapped as by [Set.Listener], until ctx
// is done or one of them fails; then it closes the listeners, drains the set and
// returns as [signalbench/server/engine.Engine.Serve] says. accept takes
// connections from its listener until the listener fails.
func (s *Set) Serve(ctx context.Context, listeners []net.Listener, accept func(net.Listener) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		wg     sync.WaitGroup
		once   sync.Once
		failed error
	)
	wrapped := make([]net.Listener, len(listeners))
	for i, l := range listeners {
		wrapped[i] = s.Listener(l)
		wg.Go(func() {
			err := accept(wrapped[i])
			once.Do(func() {
				if ctx.Err() == nil {
					failed = fmt.Errorf("accepting on %v: %w", l.Addr(), err)
				}
				stop()
			})
		})
	}
	<-ctx.Done()
	for _, l := range wrapped {
		_ = l.Close()
	}
	wg.Wait()
	if err := s.Drain(); failed == nil {
		return err
	}
	return failed
}
