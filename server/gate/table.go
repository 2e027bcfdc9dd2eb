package gate

import (
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"signalbench/server/engine"
)

const (
	// parts divide the table, each with a lock of its own.
	parts = 64
	// idleLimit is how many addresses without connections are known at most.
	idleLimit = 1 << 16

	tooManyConns = "too many connections of your address"
)

// A table knows addresses: those that have connections, and of the others those
// that asked lately.
type table struct {
	cfg      *Config
	memory   time.Duration // for which an address without connections is known
	perPart  int           // addresses without connections
	seed     maphash.Seed
	sections [parts]section
}

type section struct {
	mu    sync.Mutex
	known map[netip.Addr]*address
	idle  list // addresses without connections, the longest idle first
}

// An address is what is known of one.
type address struct {
	key                netip.Addr
	upgrades, messages *rate.Limiter // nil for no limit

	// Under the lock of the section.
	conns      int
	since      time.Time // when it last asked or lost its last connection
	prev, next *address  // in idle, without connections
}

func newTable(cfg *Config) *table {
	t := &table{
		cfg:     cfg,
		memory:  max(cfg.Upgrades.recovery(), cfg.Messages.recovery()),
		perPart: idleLimit / parts,
		seed:    maphash.MakeSeed(),
	}
	for i := range t.sections {
		t.sections[i].known = make(map[netip.Addr]*address)
	}
	return t
}

// keyOf returns what an address is known by. It is false for what is no IP
// address, a socket of the file system.
func keyOf(a net.Addr) (netip.Addr, bool) {
	var ip netip.Addr
	switch a := a.(type) {
	case nil:
		return netip.Addr{}, false
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	default:
		ap, err := netip.ParseAddrPort(a.String())
		if err != nil {
			return netip.Addr{}, false
		}
		ip = ap.Addr()
	}
	ip = ip.Unmap()
	if !ip.Is6() {
		return ip, ip.IsValid()
	}
	p, err := ip.WithZone("").Prefix(64)
	return p.Addr(), err == nil
}

func (t *table) section(key netip.Addr) *section {
	return &t.sections[maphash.Comparable(t.seed, key)%parts]
}

// ask takes a handshake out of the address's rate.
func (t *table) ask(g *Gate, key netip.Addr) *engine.Refusal {
	s := t.section(key)
	s.mu.Lock()
	a := t.get(s, key)
	full := t.cfg.Conns > 0 && a.conns >= t.cfg.Conns
	s.mu.Unlock()
	switch {
	case full:
		g.refused.conns.Add(1)
		return &engine.Refusal{Status: http.StatusTooManyRequests, Reason: tooManyConns}
	case a.upgrades != nil && !a.upgrades.Allow():
		g.refused.upgrades.Add(1)
		return &engine.Refusal{Status: http.StatusTooManyRequests, Reason: "too many handshakes of your address in a short time"}
	}
	return nil
}

// open adds a connection. Where there are enough it adds it too, and is false.
func (t *table) open(key netip.Addr) (*address, bool) {
	s := t.section(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := t.get(s, key)
	if a.conns == 0 {
		s.idle.remove(a)
	}
	a.conns++
	return a, t.cfg.Conns == 0 || a.conns <= t.cfg.Conns
}

// closed takes a connection off.
func (t *table) closed(a *address) {
	s := t.section(a.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.conns--
	switch {
	case a.conns > 0:
	case t.memory == 0: // there is nothing to know
		delete(s.known, a.key)
	default:
		t.rest(s, a, time.Now())
	}
}

// get returns what is known of an address, from now on if it was not. The caller
// locks.
func (t *table) get(s *section, key netip.Addr) *address {
	now := time.Now()
	t.expire(s, now)
	a := s.known[key]
	switch {
	case a == nil:
		a = &address{key: key, upgrades: t.cfg.Upgrades.limiter(), messages: t.cfg.Messages.limiter()}
		s.known[key] = a
		t.rest(s, a, now)
	case a.conns == 0:
		s.idle.remove(a)
		t.rest(s, a, now)
	}
	return a
}

// rest puts an address without connections at the end of the idle ones, of which
// the first goes if they are too many.
func (t *table) rest(s *section, a *address, now time.Time) {
	a.since = now
	s.idle.push(a)
	if s.idle.size > t.perPart {
		s.forget(s.idle.first)
	}
}

// expire forgets addresses that nothing needs to be known of any more.
func (t *table) expire(s *section, now time.Time) {
	for a := s.idle.first; a != nil && now.Sub(a.since) > t.memory; a = s.idle.first {
		s.forget(a)
	}
}

func (s *section) forget(a *address) {
	s.idle.remove(a)
	delete(s.known, a.key)
}

func (t *table) sweep() {
	now := time.Now()
	for i := range t.sections {
		s := &t.sections[i]
		s.mu.Lock()
		t.expire(s, now)
		if len(s.known) == 0 {
			s.known = make(map[netip.Addr]*address) // a map keeps the room it once had
		}
		s.mu.Unlock()
	}
}

func (t *table) size() (n int) {
	for i := range t.sections {
		s := &t.sections[i]
		s.mu.Lock()
		n += len(s.known)
		s.mu.Unlock()
	}
	return n
}
