package nbio

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// surplusLimit is how many connections over the limit may be in a handshake so as to
// be told 503. The next one is closed unheard.
const surplusLimit = 64

// server is what the connections of one Serve share.
type server struct {
	cfg      *engine.Config
	handler  engine.Handler
	upgrader *websocket.Upgrader
	failed   chan error     // of a listener
	beacons  chan []*beacon // holds the one of each event loop

	// upgraded has the connections by their descriptors. The library keeps ours as a
	// session of its own, and the loop may not look at that while it is set.
	upgraded []atomic.Pointer[conn]

	mu       sync.Mutex
	arriving map[net.Addr]arrival
	owners   map[int]*nbio.Conn // who has a descriptor, or had it and was closed elsewhere than on the loop
	opening  map[*nbio.Conn]*opening
	first    *conn // a doubly linked list through the upgraded connections
	size     int   // of all three
	surplus  int   // of those, accepted over the limit
	draining bool
	empty    chan struct{} // closed when the last one leaves while draining
}

// An arrival is a connection that its door has let in and the library has not yet
// wholly taken.
type arrival struct {
	surplus bool
	nbc     *nbio.Conn // nil until the library has one
}

// An opening is a connection in its handshake.
type opening struct {
	timer    *time.Timer // of Config.HandshakeTimeout
	read     int         // bytes
	refused  bool        // and the response was written
	surplus  bool
	counted  bool // the handshake has failed and was counted
	promised bool // the 101 is being written
}

func newServer(cfg *engine.Config, h engine.Handler) *server {
	return &server{
		cfg: cfg, handler: h,
		upgraded: make([]atomic.Pointer[conn], descriptors()),
		failed:   make(chan error),
		beacons:  make(chan []*beacon, 1),
		arriving: make(map[net.Addr]arrival),
		owners:   make(map[int]*nbio.Conn),
		opening:  make(map[*nbio.Conn]*opening),
		empty:    make(chan struct{}),
	}
}

// descriptors is how many the process may have (getrlimit(2)). The table of them takes
// memory only where it is used.
func descriptors() int {
	const most = 1 << 20
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return most
	}
	return int(min(l.Cur, most))
}

// at returns our connection of one of the library's, nil before its upgrade is done and
// after its end. Any goroutine may call it.
func (s *server) at(nbc *nbio.Conn) *conn {
	if c := s.slot(nbc).Load(); c != nil && c.nbc == nbc {
		return c
	}
	return nil
}

// slot is where the connection with the descriptor of nbc stands; one beyond the table,
// which the limit of descriptors does not let be, stands nowhere.
func (s *server) slot(nbc *nbio.Conn) *atomic.Pointer[conn] {
	if number := nbc.Hash(); number >= 0 && number < len(s.upgraded) {
		return &s.upgraded[number]
	}
	return new(atomic.Pointer[conn])
}

// attach hangs the server into the library's hooks.
func (s *server) attach(loops *nbhttp.Engine) {
	loops.OnOpen(func(nc net.Conn) { s.open(nc.(*nbio.Conn)) })
	loops.OnClose(func(nc net.Conn, _ error) {
		if nbc, ok := nc.(*nbio.Conn); ok {
			s.gone(nbc)
		}
	})
	loops.OnData(s.data)
	loops.OnWrittenSize(written)
	loops.CheckUtf8 = func([]byte) bool { return true } // done here

	u := websocket.NewUpgrader()
	u.Engine = loops
	u.CheckOrigin = func(*http.Request) bool { return true } // decided on before, by one rule for all engines
	u.KeepaliveTime = 0
	u.MessageLengthLimit = s.cfg.MaxMessage
	u.OnMessage(message)
	u.SetPingHandler(ping)
	u.SetPongHandler(func(ws *websocket.Conn, _ string) { of(ws).heard() })
	u.SetCloseHandler(closing)
	u.OnClose(closed)
	s.upgrader = u
}

// admit takes an accepted connection in, or closes it.
func (s *server) admit(nc net.Conn) bool {
	s.cfg.Stats.Accepted.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	over := s.cfg.MaxConns > 0 && s.size-s.surplus >= s.cfg.MaxConns
	if s.draining || over && s.surplus == surplusLimit {
		s.cfg.Stats.Refused.Add(1)
		_ = nc.Close()
		return false
	}
	s.size++
	if over {
		s.surplus++
	}
	s.arriving[nc.RemoteAddr()] = arrival{surplus: over}
	return true
}

// open takes a connection over from its door: the library has duplicated it, with its
// address, and adds it to the loop behind this call.
//
// The library closes a descriptor on whatever goroutine fails to write to it. Its loop
// may then have an event of it in hand, that the peer has reset the connection, and ends
// who has the number when it comes to that. So a new owner waits for the loop.
func (s *server) open(nbc *nbio.Conn) {
	number, addr := nbc.Hash(), nbc.RemoteAddr()
	s.mu.Lock()
	surplus := s.arriving[addr].surplus
	s.arriving[addr] = arrival{surplus, nbc}
	s.opening[nbc] = &opening{
		surplus: surplus,
		timer:   time.AfterFunc(s.cfg.HandshakeTimeout, func() { onSocket(nbc, hangUp) }),
	}
	before := s.owners[number]
	s.owners[number] = nbc
	s.mu.Unlock()
	if before != nil && !closedByLoop(before) {
		beacons := <-s.beacons
		s.beacons <- beacons
		if len(beacons) > 0 {
			beacons[number%len(beacons)].pass()
		}
	}
}

// closedByLoop reports whether it was for certain the event loop that has closed a
// connection. What it reads may be an error as well, like what others write.
func closedByLoop(nbc *nbio.Conn) bool {
	_, reason := nbc.IsClosed()
	return errors.Is(reason, io.EOF)
}

// reads counts what a connection sends in its handshake. heard says whether it is to be
// looked at, and short whether it may still be one request, or is no handshake's any more.
func (s *server) reads(nbc *nbio.Conn, n int) (heard, short bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.opening[nbc]
	if o == nil {
		return true, true
	}
	o.read += n
	return !o.refused, o.read <= upgrade.MaxRequest
}

// ignore has nothing more looked at that comes before the end.
func (s *server) ignore(nbc *nbio.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.opening[nbc]; o != nil {
		o.refused = true
	}
}

// arrived is called when the library has done what it does with a new connection. One
// that it has not taken counts as failed.
func (s *server) arrived(a net.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arrived := s.arriving[a]
	delete(s.arriving, a)
	if arrived.nbc != nil {
		_ = arrived.nbc.SetReadDeadline(time.Time{}) // frees the timer that never comes
		return
	}
	s.cfg.Stats.Failed.Add(1)
	s.leave(arrived.surplus)
}

// gone lets a closed connection go and counts it, if it has ended in its handshake.
func (s *server) gone(nbc *nbio.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owners[nbc.Hash()] == nbc && closedByLoop(nbc) {
		delete(s.owners, nbc.Hash())
	}
	o := s.opening[nbc]
	if o == nil {
		return // it was upgraded, and has left
	}
	o.timer.Stop()
	delete(s.opening, nbc)
	if !o.counted {
		s.cfg.Stats.Failed.Add(1)
	}
	s.leave(o.surplus)
}

// leave counts a connection out, with mu held.
func (s *server) leave(surplus bool) {
	s.size--
	if surplus {
		s.surplus--
	}
	if s.draining && s.size == 0 {
		close(s.empty)
	}
}

// enter links an upgraded connection in and reports whether it is to say goodbye.
func (s *server) enter(c *conn) (draining bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.opening[c.nbc]; o != nil {
		o.timer.Stop()
		delete(s.opening, c.nbc)
	}
	c.next = s.first
	if c.next != nil {
		c.next.prev = c
	}
	s.first = c
	s.slot(c.nbc).Store(c)
	return s.draining
}

// exit takes an upgraded connection out.
func (s *server) exit(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		s.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	s.slot(c.nbc).CompareAndSwap(c, nil)
	s.leave(false)
}

// refused counts a handshake as ended with err.
func (s *server) refused(nbc *nbio.Conn, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.opening[nbc]; o != nil {
		o.counted = true
	}
	upgrade.Count(s.cfg.Stats, err)
}

// drain ends all connections, as engine.Engine.Serve says.
func (s *server) drain() error {
	s.mu.Lock()
	s.draining = true
	if s.size == 0 {
		close(s.empty)
	}
	var opening []*nbio.Conn
	for nbc, o := range s.opening {
		if !o.promised {
			opening = append(opening, nbc)
		}
	}
	s.mu.Unlock()
	for _, nbc := range opening {
		onSocket(nbc, hangUp)
	}
	for _, c := range s.all() {
		_ = c.Close(engine.CloseGoingAway, "server is going away")
	}
	deadline := time.NewTimer(s.cfg.DrainTimeout)
	defer deadline.Stop()
	select {
	case <-s.empty:
		return nil
	case <-deadline.C:
	}
	for _, c := range s.all() {
		c.cut(net.ErrClosed)
	}
	<-s.empty
	return engine.ErrDrainDeadline
}

// all returns the upgraded connections of this moment.
func (s *server) all() (list []*conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := s.first; c != nil; c = c.next {
		list = append(list, c)
	}
	return list
}
