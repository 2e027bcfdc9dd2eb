package enginetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// bounds say how much is too much for a client that does not read.
type bounds struct {
	// sent is how many bytes a server may take from it; a server that only
	// stops reading leaves the rest in the kernel's buffers (tcp_rmem).
	sent int
	// kept is how many bytes may come back, beside an outbox: what the kernel
	// holds at either end (tcp_wmem, tcp_rmem).
	kept int
}

var usualBounds = bounds{sent: 64 << 20, kept: 24 << 20}

// slowCases hold that a client which does not read costs the server a bounded
// outbox and its neighbours nothing.
func slowCases() []Case {
	return []Case{
		{
			Name: "slow/reader-evicted", Section: "robustness", Alone: true,
			Doc:   "A client that sends without ever reading is cut off when its outbox is full.",
			Needs: []Need{needOutbox, needEviction},
			Run: func(ctx context.Context, t *Target) error {
				p, err := t.upgradeNarrow(ctx)
				if err != nil {
					return err
				}
				defer p.close()
				return p.wantEvicted(t)
			},
		},
		{
			Name: "slow/neighbour-unharmed", Section: "robustness", Alone: true,
			Doc:   "While sixteen clients send without reading, a healthy client gets every answer within two seconds, and all sixteen are cut off.",
			Needs: []Need{needOutbox, needEviction},
			Run: func(ctx context.Context, t *Target) error {
				w, err := t.witness(ctx)
				if err != nil {
					return err
				}
				var victims errgroup.Group
				for range 16 {
					victims.Go(func() error {
						p, err := t.upgradeNarrow(ctx)
						if err != nil {
							return err
						}
						defer p.close()
						return p.wantEvicted(t)
					})
				}
				return errors.Join(victims.Wait(), w.stop())
			},
		},
		{
			Name: "slow/ping-flood", Section: "robustness", Alone: true,
			Doc: "The pongs for a client that sends pings without reading are bounded: it is cut off, or no longer read, or not every ping is answered.",
			Run: pingFlood,
		},
		{
			Name: "slow/unread-answers-kept", Section: "robustness", Quick: true,
			Doc:   "A client that reads late, but less than an outbox late, loses nothing.",
			Needs: []Need{needOutbox, needPatientWrite},
			Run: func(ctx context.Context, t *Target) error {
				p, texts, err := t.backlog(ctx)
				if err != nil {
					return err
				}
				defer p.close()
				if err := p.wantText(texts...); err != nil {
					return err
				}
				return p.wantAlive("still in step")
			},
		},
		{
			Name: "slow/unread-answers-before-close", Section: "RFC 6455 5.5.1", Quick: true,
			Doc:   "A close frame is answered behind the messages that the client has yet to read.",
			Needs: []Need{needOutbox, needPatientWrite},
			Run: func(ctx context.Context, t *Target) error {
				p, texts, err := t.backlog(ctx)
				if err != nil {
					return err
				}
				defer p.close()
				p.send(closingWith(1000, ""))
				if err := p.wantText(texts...); err != nil {
					return err
				}
				if err := p.wantCloseFrame(1000); err != nil {
					return err
				}
				return p.wantEnd()
			},
		},
	}
}

func (t *Target) bounds() bounds {
	if t.slowBounds != (bounds{}) {
		return t.slowBounds
	}
	return usualBounds
}

func needEviction(t *Target) string {
	if t.KeepsSlow {
		return "the server keeps slow consumers"
	}
	return ""
}

// upgradeNarrow upgrades a client whose kernel takes little that it does not
// read. (With less still, a sender waits for window probes and the reading of a
// backlog takes a minute.)
func (t *Target) upgradeNarrow(ctx context.Context) (*peer, error) {
	narrow := *t
	narrow.receiveBuffer = 8 << 10
	return narrow.upgrade(ctx)
}

// wantEvicted sends without reading until the server ends the connection.
func (p *peer) wantEvicted(t *Target) error {
	n := 16 << 10
	if t.MaxMessage > 0 {
		n = min(n, t.MaxMessage)
	}
	b := wire(data(opBinary, noise(n)))
	for sent := 0; p.sendErr == nil; sent += len(b) {
		if sent > t.bounds().sent+t.Outbox {
			return fmt.Errorf("expected a client that does not read to be cut off, got %d MiB taken from it", sent>>20)
		}
		p.write(b)
	}
	if errors.Is(p.sendErr, os.ErrDeadlineExceeded) {
		return fmt.Errorf("expected a client that does not read to be cut off, but it is only not read from any more, and nothing happened in %v", patience)
	}
	return nil
}

// backlog upgrades a client and has it send texts without reading the answers:
// three quarters of an outbox, so more than its own kernel buffer takes and
// less than what gets it evicted.
func (t *Target) backlog(ctx context.Context) (*peer, []string, error) {
	// Not as narrow as can be: a window below one segment is served at the pace
	// of the sender's persist timer (RFC 9293 section 3.8.6.2.1), about 2 KB/s,
	// and reading the answers would take longer than a client waits.
	narrow := *t
	narrow.receiveBuffer = 16 << 10
	p, err := narrow.upgrade(ctx)
	if err != nil {
		return nil, nil, err
	}
	const size = 1000
	var texts []string
	var b []byte
	for at := 0; at < min(t.Outbox, 4<<20)*3/4; at += size + 4 {
		s := fmt.Sprintf("%06d %s", len(texts), strings.Repeat("x", size-7))
		texts = append(texts, s)
		b = text(s).append(b)
	}
	p.write(b)
	return p, texts, nil
}

func pingFlood(ctx context.Context, t *Target) error {
	p, err := t.upgradeNarrow(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	var batch []byte
	for len(batch) < 64<<10 {
		batch = ping(strings.Repeat("p", 125)).append(batch)
	}
	for sent := 0; sent < t.bounds().sent; sent += len(batch) {
		p.conn.SetWriteDeadline(time.Now().Add(patience / 2))
		if _, err := p.conn.Write(batch); err != nil {
			return nil // cut off, or no longer read from
		}
	}
	// All was taken. That is fine if the pongs were not kept.
	held := 0
	for held <= t.bounds().kept+t.Outbox {
		p.conn.SetReadDeadline(time.Now().Add(patience / 2))
		n, err := p.r.Discard(4 << 10)
		held += n
		if err != nil {
			return nil
		}
	}
	return fmt.Errorf("expected the pongs for a client that does not read to be bounded, got more than %d MiB of them kept for it", held>>20)
}
