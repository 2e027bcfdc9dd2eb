package enginetest

import (
	"context"
	"fmt"
	"time"
)

// answerTime is how long a healthy client may wait for an echo, whatever its
// neighbours do. It is no measure of speed: a server that lets one client hold
// another up holds it up for as long as the first likes.
const answerTime = 2 * time.Second

// A witness is a healthy client that sends a message every few milliseconds
// while something goes on beside it, and expects each echo within answerTime.
type witness struct {
	p       *peer
	quit    chan struct{}
	done    chan struct{}
	err     error // once done
	answers int   // once done
}

// witness connects one and sets it to work.
func (t *Target) witness(ctx context.Context) (*witness, error) {
	p, err := t.upgrade(ctx)
	if err != nil {
		return nil, fmt.Errorf("the healthy client: %w", err)
	}
	w := &witness{p: p, quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		defer p.close()
		tick := time.NewTicker(3 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-w.quit:
				return
			case <-tick.C:
			}
			payload := fmt.Appendf(nil, "message %d of the healthy client", w.answers)
			p.send(data(opText, payload))
			if w.err = p.wantEchoWithin(answerTime, opText, payload); w.err != nil {
				w.err = fmt.Errorf("the healthy client, after %d answers: %w", w.answers, w.err)
				return
			}
			w.answers++
		}
	}()
	return w, nil
}

// stop ends the witness and returns what it has to say. One that never got an
// answer is no witness.
func (w *witness) stop() error {
	close(w.quit)
	<-w.done
	if w.err == nil && w.answers == 0 {
		return fmt.Errorf("the healthy client had no time to send anything")
	}
	return w.err
}
