package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"unicode/utf8"

	"signalbench/server/engine"
	"signalbench/server/hub"
)

// maxPublished bounds what is published at once.
const maxPublished = 16 << 20

// A Publisher sends to many. Its methods may be called from any goroutine and
// return how many connections they sent to.
type Publisher interface {
	// Publish sends a message to all who subscribe to a channel.
	Publish(ctx context.Context, channel string, op engine.Opcode, message []byte) (receivers int, err error)
	// Broadcast sends an event to all who are in a room; payload is JSON.
	Broadcast(ctx context.Context, room, event string, payload []byte) (receivers int, err error)
}

// A Receipt is the answer to what was published.
type Receipt struct {
	Receivers int `json:"receivers"`
}

// publishing adds the paths on which p publishes.
func publishing(mux *http.ServeMux, p Publisher) {
	mux.HandleFunc("POST /publish/{channel...}", func(w http.ResponseWriter, r *http.Request) {
		publish(w, r, func(message []byte) (int, error) {
			op := engine.OpText
			if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/octet-stream" {
				op = engine.OpBinary
			} else if !utf8.Valid(message) {
				return 0, errors.New("the message is not UTF-8: send it as application/octet-stream to publish it as a binary message")
			}
			return p.Publish(r.Context(), r.PathValue("channel"), op, message)
		})
	})
	mux.HandleFunc("POST /broadcast/{room}/{event}", func(w http.ResponseWriter, r *http.Request) {
		publish(w, r, func(payload []byte) (int, error) {
			if !json.Valid(payload) {
				return 0, errors.New("the payload is not JSON")
			}
			return p.Broadcast(r.Context(), r.PathValue("room"), r.PathValue("event"), payload)
		})
	})
}

// A StatusError is an answer other than 200 with its reason.
type StatusError struct {
	Status int // an HTTP status code
	Reason string
}

func (e *StatusError) Error() string { return e.Reason }

// statusOf is what a publisher's error is answered with.
func statusOf(err error) int {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Status
	}
	if errors.Is(err, hub.ErrBusy) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest // what is published cannot be
}

// publish reads a message, sends it, and answers with the receipt.
func publish(w http.ResponseWriter, r *http.Request, send func([]byte) (int, error)) {
	message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPublished))
	if err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, fmt.Sprintf("reading the message: %v", err), status)
		return
	}
	n, err := send(message)
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	writeJSON(w, Receipt{n})
}
