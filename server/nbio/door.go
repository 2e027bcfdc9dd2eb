package nbio

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// The pause after an accept that failed for want of descriptors or memory: doubled
// from the first to the longest while it goes on.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = time.Second
)

// A door is a listener for the library, which asks one that has failed again at once
// and without end: so a door waits out what is temporary, tells the server of the rest
// and is then silent until the library closes it.
type door struct {
	net.Listener
	server *server
	last   net.Addr // of the connection before

	quitOnce, goneOnce sync.Once
	quit               chan struct{} // nothing is accepted any more
	gone               chan struct{} // closed by the library
}

// Accept implements [net.Listener].
func (d *door) Accept() (net.Conn, error) {
	if d.last != nil {
		d.server.arrived(d.last)
		d.last = nil
	}
	pause := firstPause
	for {
		nc, err := d.Listener.Accept()
		switch {
		case err == nil:
			pause = firstPause
			if d.server.admit(nc) {
				d.last = nc.RemoteAddr()
				return nc, nil
			}
		case temporary(err):
			d.server.cfg.Stats.AcceptErrors.Add(1)
			d.server.cfg.Log.Warn("accept failed, trying again", "err", err, "pause", pause)
			select {
			case <-d.quit:
			case <-time.After(pause):
			}
			pause = min(2*pause, longestPause)
		default:
			select {
			case <-d.quit:
			case d.server.failed <- fmt.Errorf("accepting on %v: %w", d.Addr(), err):
			}
			<-d.gone
			return nil, net.ErrClosed
		}
	}
}

// temporary reports whether accept(2) may work later without anything being done
// about the listener.
func temporary(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// shut ends accepting.
func (d *door) shut() {
	d.quitOnce.Do(func() { close(d.quit) })
	_ = d.Listener.Close()
}

// Close implements [net.Listener].
func (d *door) Close() error {
	d.shut()
	d.goneOnce.Do(func() { close(d.gone) })
	return nil
}
