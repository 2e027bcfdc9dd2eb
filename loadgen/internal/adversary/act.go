package adversary

import (
	"context"
	"encoding/binary"
	"io"
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/handshake"
)

// An act is what one kind does on a connection, until that ends or ctx is done,
// which also closes the connection.
type act func(ctx context.Context, c *Crowd, p *peer) error

var acts = map[string]act{
	SlowReader:    readNothing,
	ByteAtATime:   trickle,
	HalfHandshake: halve,
	PingFlood:     flood,
	Oversize:      exceed,
}

const (
	// sign is how often a slow reader shows that it is there, and finds out that it
	// is not any more: a server that has closed the connection answers by a reset.
	sign = time.Second
	// greed is how often a slow reader asks for an echo of greedBytes, where the
	// server would send it nothing by itself.
	greed      = 100 * time.Millisecond
	greedBytes = 16 << 10
)

// readNothing asks for what it does not read, or waits for it to come by itself.
func readNothing(ctx context.Context, c *Crowd, p *peer) error {
	if c.Hello != nil {
		for sleep(ctx, sign) {
			// A pong of its own accord wants no answer (RFC 6455 section 5.5.3).
			if err := p.send(frame.Pong, nil); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	message := make([]byte, greedBytes)
	for i := range message {
		message[i] = 'x'
	}
	for sleep(ctx, greed) {
		if err := p.text(message); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// beat is the time from one byte to the next of one that sends a byte at a time.
const beat = 10 * time.Millisecond

// trickle sends good messages, a byte at a time, and reads the answers.
func trickle(ctx context.Context, c *Crowd, p *peer) error {
	return p.whileReading(func() error {
		var b []byte
		for sleep(ctx, beat) {
			if len(b) == 0 {
				b = frame.Append(nil, frame.Text, p.key(), nil, c.Word)
			}
			if _, err := p.Write(b[:1]); err != nil {
				return err
			}
			b = b[1:]
		}
		return ctx.Err()
	})
}

// whileReading does something while what comes is read, and returns how the
// connection has ended: what was read last says more than that a write has failed.
func (p *peer) whileReading(do func() error) error {
	end := make(chan error, 1)
	go func() {
		err := p.drain()
		p.Close() // nobody writes for ever to one that has ended
		end <- err
	}()
	if do() != nil {
		_ = p.SetReadDeadline(time.Now().Add(lastWords))
	}
	return <-end
}

// lastWords is how long a server's close frame may follow the end of the
// connection for writing.
const lastWords = time.Second

// halve sends the first half of an opening handshake and waits for the end.
func halve(_ context.Context, _ *Crowd, p *peer) error {
	var accept handshake.Accept
	whole := p.opening(&accept)
	if _, err := p.Write(whole[:len(whole)/2]); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, p.in)
	return err
}

const (
	// floodEvery and floodBurst make 2,000 pings a second, of the longest payload
	// that a control frame may have (RFC 6455 section 5.5).
	floodEvery   = 10 * time.Millisecond
	floodBurst   = 20
	floodPayload = 125
)

// flood sends pings as fast as the server takes them, within a bound, and reads the
// pongs.
func flood(ctx context.Context, _ *Crowd, p *peer) error {
	return p.whileReading(func() error {
		payload := make([]byte, floodPayload)
		var burst []byte
		for range floodBurst {
			burst = frame.Append(burst, frame.Ping, p.key(), nil, payload)
		}
		tick := time.NewTicker(floodEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
				if _, err := p.Write(burst); err != nil {
					return err
				}
			}
		}
	})
}

// chunk is how much of an oversized message is written at once.
const chunk = 64 << 10

// exceed sends binary messages of one byte more than the server takes. A server
// that takes them gets one a second.
func exceed(ctx context.Context, c *Crowd, p *peer) error {
	return p.whileReading(func() error {
		size := c.MaxMessage + 1
		head := header(size, p.key())
		bytes := make([]byte, chunk) // whatever they are once unmasked
		for {
			if _, err := p.Write(head); err != nil {
				return err
			}
			for left := size; left > 0; {
				n, err := p.Write(bytes[:min(left, chunk)])
				if err != nil {
					return err
				}
				left -= n
			}
			if !sleep(ctx, sign) {
				return ctx.Err()
			}
		}
	})
}

// header is that of a binary message of size bytes (RFC 6455 section 5.2).
func header(size int, key frame.Key) []byte {
	const final, masked = 0x80, 0x80
	b := []byte{final | byte(frame.Binary), masked}
	switch {
	case size <= 125:
		b[1] |= byte(size)
	case size <= 0xFFFF:
		b[1] |= 126
		b = binary.BigEndian.AppendUint16(b, uint16(size))
	default:
		b[1] |= 127
		b = binary.BigEndian.AppendUint64(b, uint64(size))
	}
	return binary.LittleEndian.AppendUint32(b, uint32(key))
}
