package lane

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Config is what a lane is made of. All fields are needed, but for those that say
// what stands for them.
type Config struct {
	// Index is the lane's number in the run. Its connections are the run's in
	// stretches of Chunk numbers that follow each other (0 is 1); the first begins
	// at First, and each of the others Stride after the one before it.
	Index                int
	First, Stride, Chunk uint32
	// Conns is how many connections the lane can hold.
	Conns int
	// Lines is how many connections there are beside those, see [Lined]. The transport
	// knows them by the numbers that follow.
	Lines int
	// Now is the time since the start of the run.
	Now func() time.Duration
	// Transport carries the bytes. The lane releases it.
	Transport wire.Transport
	Target    *target.Target
	Spread    *target.Spread
	// Pending is how many dials, and how many closing handshakes, may be in
	// progress at once.
	Pending                   int
	DialTimeout, CloseTimeout time.Duration
	// Dialect is what is spoken, for this lane alone; nil for WebSocket.
	Dialect Dialect
	// MaxMessage is the longest message that a server may send, in bytes.
	MaxMessage int
	// Notify is called when a workload has reached what it was made for. It
	// must not block.
	Notify func()
}

// states of a session
const (
	vacant uint8 = iota
	dialing
	open
	closing
)

// session is all that an idle connection costs here.
type session struct {
	state uint8
	muted bool   // answers no pings
	gen   uint16 // counts how often the connection has ended
	aux   int32  // dialing, closing: number in the window; open: in partials, 0 for none
}

// A Lane is an event loop with its connections. Make one with [New].
type Lane struct {
	Config
	sessions []session
	dials    window
	closes   window
	partials partials
	mail     mailbox
	done     chan struct{}

	workload Workload
	losses   *record.Shard // where a connection that is lost is counted
	lined    Lined         // nil: there are no lines

	hello   []byte        // an opening handshake on its way to the transport
	greet   func() []byte // says hello, at greeted
	greeted time.Duration
	out     []byte    // frames on their way to the transport
	corked  wire.Conn // the connection whose frames are collected in out
	cork    bool
	now     time.Duration // of the event at hand
	open    int
	events  uint
	stopped bool
}

// New returns a lane that does nothing yet. Run it.
func New(c Config) *Lane {
	c.Chunk = max(1, c.Chunk)
	if c.Dialect == nil {
		c.Dialect = newWebSocket(c.Target)
	}
	l := &Lane{
		Config:   c,
		sessions: make([]session, c.Conns),
		dials:    newWindow(c.Pending, c.DialTimeout),
		closes:   newWindow(c.Pending, c.CloseTimeout),
		done:     make(chan struct{}),
		workload: Idle{},
		losses:   record.NewShard(),
	}
	l.greet = func() []byte {
		l.greeted = l.Now()
		return l.hello
	}
	return l
}

// Run is the loop. It ends after [Lane.Stop], with every connection reset, or
// with the transport's error. The thread it ran on ends with its goroutine.
func (l *Lane) Run() error {
	runtime.LockOSThread()
	// Otherwise the kernel may end a wait up to 50 us late to save wake-ups
	// (prctl(2), PR_SET_TIMERSLACK).
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	defer close(l.done)
	defer l.mail.close()
	defer l.Transport.Release()
	if err := l.Transport.Begin(); err != nil {
		return fmt.Errorf("lane %d: %w", l.Index, err)
	}
	for {
		l.mail.deliver()
		if l.stopped {
			return nil
		}
		l.now = l.Now()
		l.expire()
		if l.workload.Next() <= l.now {
			l.workload.Fire(l.now)
		}
		if err := l.Transport.Wait(l.patience(), l); err != nil {
			return fmt.Errorf("lane %d: %w", l.Index, err)
		}
	}
}

// patience is how long nothing is due.
func (l *Lane) patience() time.Duration {
	next := min(l.workload.Next(), l.dials.next(), l.closes.next())
	if next == Never {
		return -1
	}
	return max(0, next-l.Now())
}

// Between implements [wire.Events]. What is due must not wait for a whole batch
// of events, but reading comes first: a lane that sent first and read when there
// is time would, once it has too much to do, show its own lateness as the
// service time of the server. So sends are let in between every few events only.
func (l *Lane) Between() {
	const every = 32
	if l.events++; l.events%every == 0 && l.workload.Next() <= l.now {
		l.now = l.Now()
		l.workload.Fire(l.now)
	}
}

// Do hands f to the lane's thread. Any goroutine may call it. It reports false
// if the lane has ended; then f does not run.
func (l *Lane) Do(f func()) bool {
	if !l.mail.put(f) {
		return false
	}
	l.Transport.Wake()
	return true
}

// Call is Do that waits until f has run.
func (l *Lane) Call(f func()) bool {
	ran := make(chan struct{})
	if !l.Do(func() { defer close(ran); f() }) {
		return false
	}
	<-ran
	return true
}

// Stop ends Run. Any goroutine may call it, and wait with Done.
func (l *Lane) Stop() { l.Do(func() { l.stopped = true }) }

// Done is closed when Run has returned.
func (l *Lane) Done() <-chan struct{} { return l.done }

// Use sets the workload. Losses of connections are counted in losses.
func (l *Lane) Use(w Workload, losses *record.Shard) {
	l.workload, l.losses = w, losses
}

// Rest sets a workload and leaves losses where they are counted.
func (l *Lane) Rest(w Workload) { l.workload = w }

// Count says where losses of connections are counted from now on.
func (l *Lane) Count(losses *record.Shard) { l.losses = losses }

// Global returns the run's number of connection c.
func (l *Lane) Global(c wire.Conn) uint32 {
	return l.First + c/l.Chunk*l.Stride + c%l.Chunk
}

// Local returns the lane's first connection that is the run's number n or later,
// Conns if there is none.
func (l *Lane) Local(n uint32) wire.Conn {
	if n <= l.First {
		return 0
	}
	turn, in := (n-l.First)/l.Stride, (n-l.First)%l.Stride
	return min(wire.Conn(l.Conns), turn*l.Chunk+min(in, l.Chunk))
}

// Mute makes c answer no pings any more, until it ends: to a server it looks like a
// client whose network is gone.
func (l *Lane) Mute(c wire.Conn) { l.sessions[c].muted = true }

// Open returns how many connections are upgraded and not closing.
func (l *Lane) Open() int { return l.open }

// IsOpen reports whether c is upgraded and not closing.
func (l *Lane) IsOpen(c wire.Conn) bool { return l.sessions[c].state == open }

// Dialing returns how many dials are in progress.
func (l *Lane) Dialing() int { return l.dials.count() }

// Closing returns how many closing handshakes are in progress.
func (l *Lane) Closing() int { return l.closes.count() }

// end gives up what c holds here. The transport has already forgotten it.
func (l *Lane) end(c wire.Conn) {
	s := &l.sessions[c]
	switch s.state {
	case dialing:
		l.dials.remove(s.aux)
	case closing:
		l.closes.remove(s.aux)
	case open:
		l.open--
		if s.aux != 0 {
			l.partials.give(s.aux)
		}
	}
	if l.cork && l.corked == c {
		l.out = l.out[:0]
	}
	s.state, s.muted, s.aux = vacant, false, 0
	s.gen++
}

// Ended implements [wire.Events].
func (l *Lane) Ended(c wire.Conn, why results.Cause) {
	l.now = l.Now()
	if k, ok := l.lineOf(c); ok {
		l.lined.LineDown(k, why, l.now)
		return
	}
	l.lost(c, why)
}

// lost tells everyone that c is gone.
func (l *Lane) lost(c wire.Conn, why results.Cause) {
	s := &l.sessions[c]
	switch s.state {
	case dialing:
		l.failDial(c, why)
	case open:
		l.end(c)
		l.losses.Lose(why)
		l.workload.Ended(c, why, l.now)
	case closing:
		l.end(c)
		l.workload.Ended(c, "", l.now)
	}
}

// expire ends dials and closing handshakes whose time is over.
func (l *Lane) expire() {
	for i := l.dials.expired(l.now); i != 0; i = l.dials.expired(l.now) {
		c := l.dials.all[i].conn
		l.Transport.Close(c, true)
		l.failDial(c, results.CauseTimeout)
	}
	for i := l.closes.expired(l.now); i != 0; i = l.closes.expired(l.now) {
		c := l.closes.all[i].conn
		l.Transport.Close(c, true)
		l.lost(c, "")
	}
}
