package hub

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"signalbench/server/engine"
	"signalbench/server/phoenix"
)

// Path is where the hub answers: that of a Phoenix socket, with the transport's
// name behind it, as its clients ask for it.
const Path = "/socket/websocket"

// Admission is what the hub asks of whatever let a connection in. It takes it
// from Request.Value, if that is one.
type Admission interface {
	// User is whom the peer proved to be, in place of what its joins say; empty if
	// it proved nothing.
	User() string
	// MayJoin reports whether it may join a topic.
	MayJoin(topic string) bool
	// Allow reports whether one more message is within its rate.
	Allow() bool
}

// A Hub holds all rooms. Its methods may be called from any goroutine, those of
// [engine.Handler] as that contract says.
type Hub struct {
	cfg     Config
	seed    maphash.Seed // of shards and ids
	shards  [shardCount]shard
	refused [refusals]counter
	calls   sync.Pool // of *call
	crew    crew
}

var _ engine.Handler = (*Hub)(nil)

// New returns a hub without rooms, or says which field of the Config it cannot
// serve with. Close ends it.
func New(cfg Config) (*Hub, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("checking the hub's settings: %w", err)
	}
	h := &Hub{cfg: cfg, seed: maphash.MakeSeed()}
	h.calls.New = func() any { return &call{hub: h} }
	h.crew.init()
	for i := range h.shards {
		h.shards[i].hub = h
	}
	return h, nil
}

// Topic is that of the room of a name.
func (h *Hub) Topic(room string) string { return h.cfg.TopicPrefix + room }

// Close ends the hub's workers and waits for them: what waits in large rooms is not
// sent any more, and gathered presence is not told. Call it when the engine has
// ended.
func (h *Hub) Close() { h.crew.close() }

// Accept refuses every path but [Path] with 404 and every version of the protocol
// but 1 and 2 with 400.
func (h *Hub) Accept(r *engine.Request) error {
	if r.Path != Path {
		return &engine.Refusal{Status: http.StatusNotFound, Reason: "nothing here but " + Path}
	}
	if _, err := version(r.RawQuery); err != nil {
		return &engine.Refusal{Status: http.StatusBadRequest, Reason: err.Error()}
	}
	return nil
}

// version finds the protocol's version in a query.
func version(query string) (phoenix.Version, error) {
	for len(query) > 0 {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if vsn, ok := strings.CutPrefix(pair, "vsn="); ok {
			if text, err := url.QueryUnescape(vsn); err == nil {
				vsn = text
			}
			return phoenix.ParseVersion(vsn)
		}
	}
	return phoenix.ParseVersion("")
}

// Open begins a session.
func (h *Hub) Open(c engine.Conn, r *engine.Request) {
	v, err := version(r.RawQuery)
	if err != nil { // Accept let it in, so this is a handler that did not ask
		_ = c.Close(engine.ClosePolicyViolation, err.Error())
		return
	}
	s := &session{conn: c, version: v}
	s.admission, _ = r.Value.(Admission)
	c.SetState(s)
}

// Message takes one message of a session.
func (h *Hub) Message(c engine.Conn, op engine.Opcode, p []byte) {
	s, ok := c.State().(*session)
	if !ok {
		return
	}
	k := h.calls.Get().(*call)
	k.session = s
	k.serve(op == engine.OpBinary, p)
	k.rest()
}

// Closed ends a session: its peers leave their rooms.
func (h *Hub) Closed(c engine.Conn, _ error) {
	s, ok := c.State().(*session)
	if !ok {
		return
	}
	for s.list != nil {
		s.part(s.list)
	}
}
