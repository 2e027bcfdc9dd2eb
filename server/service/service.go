package service

import (
	"context"
	"net/http"
	"sync"
	"time"

	"signalbench/server/channel"
	"signalbench/server/echo"
	"signalbench/server/engine"
	"signalbench/server/gate"
	"signalbench/server/hongbao"
	"signalbench/server/hub"
)

// sweepEvery is how often the gate forgets addresses.
const sweepEvery = 5 * time.Second

// Config is what a [Service] is made of.
type Config struct {
	// Rooms answers [hub.Path]. It finds what a connection was let in with, a
	// *gate.Admission, in Request.Value, and calls its Allow for each message.
	Rooms *hub.Hub
	// Channels answers the paths below [channel.Prefix], or all that nothing else has.
	Channels *channel.Channels
	// Hongbao answers [hongbao.Path].
	Hongbao *hongbao.Handler
	// Gate decides who may come in; nil lets everybody in.
	Gate *gate.Gate
}

// A Service implements [engine.Handler].
type Service struct{ cfg Config }

var _ engine.Handler = (*Service)(nil)

// New returns a service.
func New(cfg Config) *Service { return &Service{cfg} }

// Run does what is to be done at intervals, until ctx is done.
func (s *Service) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.cfg.Channels.Run(ctx) })
	if s.cfg.Gate == nil {
		return
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.cfg.Gate.Sweep()
		}
	}
}

// route returns what answers a path, and the topic that a token must allow for it
// to be opened at all.
func (s *Service) route(path string) (h engine.Handler, topic string) {
	switch {
	case path == echo.Path:
		return echo.Handler{}, ""
	case path == hub.Path:
		return s.cfg.Rooms, ""
	case path == hongbao.Path:
		return s.cfg.Hongbao, ""
	case s.cfg.Channels.Owns(path):
		name, _ := s.cfg.Channels.Name(path) // the handler says what is wrong with it
		return s.cfg.Channels, "channel:" + name
	}
	return nil, ""
}

// Accept implements [engine.Handler]. What cannot be is refused before the gate is
// asked, which counts.
func (s *Service) Accept(r *engine.Request) error {
	h, topic := s.route(r.Path)
	if h == nil {
		return &engine.Refusal{Status: http.StatusNotFound, Reason: "nothing here but " + echo.Path + ", " + hub.Path + ", " + hongbao.Path + " and " + channel.Prefix + "NAME"}
	}
	if err := h.Accept(r); err != nil || s.cfg.Gate == nil {
		return err
	}
	a, err := s.cfg.Gate.Admit(r, topic)
	if err != nil {
		return err
	}
	r.Value = a
	return nil
}

// Open implements [engine.Handler].
func (s *Service) Open(c engine.Conn, r *engine.Request) {
	h, _ := s.route(r.Path)
	a, ok := r.Value.(*gate.Admission)
	if !ok {
		h.Open(c, r)
		return
	}
	g := &guarded{Conn: c, admission: a, handler: h}
	c.SetState(g)
	if err := a.Open(); err != nil {
		g.turnAway(err)
		return
	}
	h.Open(g, r)
}

// Message implements [engine.Handler].
func (s *Service) Message(c engine.Conn, op engine.Opcode, p []byte) {
	state := c.State()
	if state == nil {
		echo.Handler{}.Message(c, op, p)
		return
	}
	if g, ok := state.(*guarded); ok {
		g.message(s.cfg.Rooms, op, p)
		return
	}
	s.owner(state).Message(c, op, p)
}

// Closed implements [engine.Handler].
func (s *Service) Closed(c engine.Conn, cause error) {
	state := c.State()
	g, ok := state.(*guarded)
	switch {
	case !ok:
		s.owner(state).Closed(c, cause)
		return
	case g.handler != nil:
		g.handler.Closed(g, cause)
	}
	g.admission.Closed()
}

// owner returns the handler that a connection's state is of; the echo has none.
func (s *Service) owner(state any) engine.Handler {
	switch {
	case state == nil:
		return echo.Handler{}
	case channel.Subscribed(state):
		return s.cfg.Channels
	case hongbao.Owns(state):
		return s.cfg.Hongbao
	}
	return s.cfg.Rooms
}
