package stamp

import (
	"bytes"
	"fmt"
	"time"
)

const (
	// HeaderSize is the size of a full header in octets.
	HeaderSize = perCheck + perConn + perSeq + perTime + perTime + 1
	// MinSize is the smallest payload: seq and check.
	MinSize = perSeq + smallCheck
	// MaxSize is the largest payload.
	MaxSize = 64 << 20

	smallCheck = 3
	// period is how many different bodies follow each other. It is prime, so
	// that it has no common step with anything that loses every n-th message.
	period = 4093
)

// A Stamp is what a message says about itself.
type Stamp struct {
	Conn, Seq uint32        // below 1<<30
	Due, Sent time.Duration // since the start of the run
}

// A Layout is the form of all messages of one run. It is read-only after [New]
// and may be shared.
type Layout struct {
	size    int
	tag     byte
	pattern []byte // every body is a window of it
}

// New returns the layout for payloads of size octets. tag tells this run's
// messages from those of another; its lowest six bits count.
func New(size int, tag byte) (*Layout, error) {
	if size < MinSize {
		return nil, fmt.Errorf("payload of %d B is too small: %d B hold a sequence number and its check, %d B also the times", size, MinSize, HeaderSize)
	}
	if size > MaxSize {
		return nil, fmt.Errorf("payload of %d B is over %d B", size, MaxSize)
	}
	l := &Layout{size: size, tag: zero + tag&63}
	l.pattern = make([]byte, size-l.headSize()+period)
	state := uint64(tag & 63)
	for i := range l.pattern {
		state++
		l.pattern[i] = zero + byte(mix(0x9E3779B97F4A7C15, state)&63)
	}
	return l, nil
}

// Size is the size of a payload in octets.
func (l *Layout) Size() int { return l.size }

// Small reports whether a payload has no room for times.
func (l *Layout) Small() bool { return l.size < HeaderSize }

func (l *Layout) headSize() int {
	if l.Small() {
		return MinSize
	}
	return HeaderSize
}

// Parts returns the payload for s in two parts that follow each other. The head
// is written to buf; the body is shared and must not be changed.
func (l *Layout) Parts(buf *[HeaderSize]byte, s Stamp) (head, body []byte) {
	if l.Small() {
		p := buf[:MinSize]
		put(p[:perSeq], uint64(s.Seq))
		put(p[perSeq:], l.smallSum(s))
		return p, l.body(s.Seq)
	}
	put(buf[5:10], uint64(s.Conn))
	put(buf[10:15], uint64(s.Seq))
	put(buf[15:23], uint64(s.Due))
	put(buf[23:31], uint64(s.Sent))
	buf[31] = l.tag
	put(buf[0:5], sum(s))
	return buf[:], l.body(s.Seq)
}

func (l *Layout) body(seq uint32) []byte {
	at := seq % period
	return l.pattern[at : int(at)+l.size-l.headSize()]
}

func sum(s Stamp) uint64 {
	h := mix(uint64(s.Conn)<<32|uint64(s.Seq), uint64(s.Due))
	return mix(h, uint64(s.Sent)) & maxNumber
}

// smallSum covers the connection too, though it is not in the payload.
func (l *Layout) smallSum(s Stamp) uint64 {
	return mix(uint64(s.Conn)<<32|uint64(s.Seq), uint64(l.tag)) & (1<<(6*smallCheck) - 1)
}

// A Verdict is what is known of a received payload.
type Verdict uint8

const (
	// Intact: every octet is as it was sent.
	Intact Verdict = iota
	// BadBody: the header is as it was sent, the rest is not.
	BadBody
	// BadHeader: it cannot be told which message this was, or it was not for
	// this connection.
	BadHeader
)

// ReadAny is Read of a payload that may be of any connection, for layouts that are
// not Small.
func (l *Layout) ReadAny(p []byte) (Stamp, Verdict) {
	if len(p) < HeaderSize {
		return Stamp{}, BadHeader
	}
	conn, ok := get(p[5:10])
	if !ok {
		return Stamp{}, BadHeader
	}
	return l.Read(p, uint32(conn))
}

// Read verifies a payload that connection conn received. The stamp is complete
// if the verdict is not BadHeader, except that a small payload tells no times.
func (l *Layout) Read(p []byte, conn uint32) (Stamp, Verdict) {
	head := l.headSize()
	if len(p) < head {
		return Stamp{}, BadHeader
	}
	s := Stamp{Conn: conn}
	if l.Small() {
		seq, ok := get(p[:perSeq])
		s.Seq = uint32(seq)
		if check, ok2 := get(p[perSeq:MinSize]); !ok || !ok2 || check != l.smallSum(s) {
			return Stamp{}, BadHeader
		}
	} else {
		check, ok1 := get(p[0:5])
		of, ok2 := get(p[5:10])
		seq, ok3 := get(p[10:15])
		due, ok4 := get(p[15:23])
		sent, ok5 := get(p[23:31])
		s.Seq, s.Due, s.Sent = uint32(seq), time.Duration(due), time.Duration(sent)
		if !(ok1 && ok2 && ok3 && ok4 && ok5) || of != uint64(conn) || p[31] != l.tag || check != sum(s) {
			return Stamp{}, BadHeader
		}
	}
	if !bytes.Equal(p[head:], l.body(s.Seq)) {
		return s, BadBody
	}
	return s, Intact
}
