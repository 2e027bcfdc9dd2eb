package upgrade

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/gobwas/ws"

	"signalbench/server/engine"
)

// A BadRequest is a request that is no opening handshake of RFC 6455.
type BadRequest struct {
	Status int    // the HTTP status that it is answered with
	Reason string // one line, sent as the body
}

func (e *BadRequest) Error() string { return "bad handshake: " + e.Reason }

// Do answers the request head, which is what [End] measured. It applies
// [Decide], appends the HTTP response to dst and returns it. A nil error means
// that the response is the 101 and r is what the handler accepted; otherwise
// the response is an HTTP error, after which the connection is to be closed,
// and err is a [*BadRequest] or, if the origin rule or the handler said no, an
// [*engine.Refusal].
//
// Do neither keeps nor changes head, counts nothing, and may be called from any
// number of goroutines.
func Do(dst, head []byte, remote net.Addr, cfg *engine.Config, h engine.Handler) (response []byte, r *engine.Request, err error) {
	x := exchanges.Get().(*exchange)
	x.in, x.out, x.head = head, dst, head
	x.remote, x.cfg, x.handler = remote, cfg, h
	defer x.release()

	if _, err = x.upgrader.Upgrade(x); err == nil {
		return x.out, x.request, nil
	}
	err = known(err)
	return AppendRefusal(dst, err), nil, err
}

// known returns err, or, if it is one of the Upgrader's own, the [*BadRequest] that it is.
func known(err error) error {
	if _, ok := errors.AsType[*engine.Refusal](err); ok {
		return err
	}
	if _, ok := errors.AsType[*BadRequest](err); ok {
		return err
	}
	bad := &BadRequest{Status: http.StatusBadRequest, Reason: err.Error()}
	if rejected, ok := errors.AsType[*ws.ConnectionRejectedError](err); ok {
		bad.Status = rejected.StatusCode()
	}
	return bad
}

// Decide applies the Origin rule and then the handler's Accept. The error, if
// any, is an [*engine.Refusal]: another error of the handler, or a panic, is
// logged, and is not for the peer to read.
func Decide(r *engine.Request, cfg *engine.Config, h engine.Handler) error {
	if !cfg.OriginAllowed(r.Origin, r.Host) {
		return &engine.Refusal{Status: http.StatusForbidden, Reason: "origin not allowed"}
	}
	err := accept(r, h)
	if err == nil {
		return nil
	}
	if refusal, ok := errors.AsType[*engine.Refusal](err); ok {
		return refusal
	}
	cfg.Log.Error("handler could not decide on a handshake", "path", r.Path, "err", err)
	return &engine.Refusal{Status: http.StatusInternalServerError, Reason: "internal error"}
}

func accept(r *engine.Request, h engine.Handler) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h.Accept(r)
}

// Count adds a handshake that ended with err to the counter it belongs to:
// Refused if this side said no on purpose, otherwise Failed.
func Count(s *engine.Stats, err error) {
	if _, ok := errors.AsType[*engine.Refusal](err); ok {
		s.Refused.Add(1)
	} else {
		s.Failed.Add(1)
	}
}
