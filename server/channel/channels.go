package channel

import (
	"context"
	"hash/maphash"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"signalbench/server/engine"
	"signalbench/server/namemap"
)

const (
	// Prefix begins the paths that the handler answers; the rest is the name.
	Prefix = "/channel/"
	// MaxName is the longest name of a channel in bytes.
	MaxName = 256

	parts = 64 // of the names, each with a lock of its own
)

// Config says how channels behave.
type Config struct {
	// Ping is how often each connection gets an empty text message, counted from
	// when it was opened; the first of them up to a 256th part early. 0 means never.
	Ping time.Duration
	// Root says that any other path is a channel, too, named by all that follows its
	// slash: /17 is that of /channel/17.
	Root bool
}

// Channels are all channels of a server. Make them with [New]; all methods are
// safe for concurrent use.
type Channels struct {
	root     bool
	seed     maphash.Seed
	sections [parts]section
	clock    *clock // nil without pings
	counters counters
}

type section struct {
	mu     sync.Mutex
	byName namemap.Map[*channel]
}

// A channel exists while somebody subscribes to it.
type channel struct {
	name       string
	publishing sync.Mutex // one message after the other reaches all
	members    []*subscriber
}

// A subscriber is the state of a connection.
type subscriber struct {
	conn    engine.Conn
	channel *channel
	index   int32  // in channel.members
	slot    uint16 // in wheel
	wheel   *wheel // nil without pings
	links          // in wheel
}

var _ engine.Handler = (*Channels)(nil)

// New returns channels that nobody subscribes to.
func New(cfg Config) *Channels {
	c := &Channels{root: cfg.Root, seed: maphash.MakeSeed()}
	if cfg.Ping > 0 {
		c.clock = newClock(cfg.Ping, &c.counters)
	}
	return c
}

// Run sends the pings until ctx is done.
func (c *Channels) Run(ctx context.Context) {
	if c.clock != nil {
		c.clock.run(ctx)
	}
}

// Owns reports whether a path is for channels, if no other service has it.
func (c *Channels) Owns(path string) bool {
	return strings.HasPrefix(path, Prefix) || c.root && len(path) > 1 && path[0] == '/'
}

// Name is the channel that a path names.
func (c *Channels) Name(path string) (string, error) {
	name, ok := strings.CutPrefix(path, Prefix)
	if !ok && c.root {
		name, ok = strings.CutPrefix(path, "/")
	}
	switch {
	case !ok || name == "":
		return "", &engine.Refusal{Status: http.StatusNotFound, Reason: "a channel is " + Prefix + "NAME"}
	case len(name) > MaxName:
		return "", &engine.Refusal{Status: http.StatusNotFound, Reason: "the name of a channel has at most " + strconv.Itoa(MaxName) + " bytes"}
	}
	return name, nil
}

// Accept implements [engine.Handler].
func (c *Channels) Accept(r *engine.Request) error {
	_, err := c.Name(r.Path)
	return err
}

// Open implements [engine.Handler]: it subscribes.
func (c *Channels) Open(conn engine.Conn, r *engine.Request) {
	s := &subscriber{conn: conn}
	conn.SetState(s)
	name, _ := c.Name(r.Path) // Accept has seen to it
	part := c.section(name)
	part.mu.Lock()
	ch := part.byName.Get(name)
	if ch == nil {
		ch = &channel{name: strings.Clone(name)} // the path is a part of the whole request
		part.byName.Set(ch.name, ch)
		c.counters.channels.Add(1)
	}
	s.channel, s.index = ch, int32(len(ch.members))
	ch.members = append(ch.members, s)
	part.mu.Unlock()
	c.counters.subscribers.Add(1)
	if c.clock != nil {
		c.clock.enter(s)
	}
}

// Message implements [engine.Handler]: a subscriber has nothing to say.
func (c *Channels) Message(engine.Conn, engine.Opcode, []byte) { c.counters.ignored.Add(1) }

// Closed implements [engine.Handler].
func (c *Channels) Closed(conn engine.Conn, _ error) {
	s := conn.State().(*subscriber)
	if c.clock != nil {
		s.wheel.leave(s)
	}
	ch := s.channel
	part := c.section(ch.name)
	part.mu.Lock()
	last := len(ch.members) - 1
	moved := ch.members[last]
	ch.members[s.index], moved.index = moved, s.index
	ch.members[last] = nil
	if ch.members = ch.members[:last]; last == 0 {
		part.byName.Delete(ch.name)
		c.counters.channels.Add(-1)
	}
	part.mu.Unlock()
	c.counters.subscribers.Add(-1)
}

// Subscribed reports whether a connection's state is of this handler.
func Subscribed(state any) bool {
	_, ok := state.(*subscriber)
	return ok
}

func (c *Channels) section(name string) *section {
	return &c.sections[maphash.String(c.seed, name)%parts]
}
