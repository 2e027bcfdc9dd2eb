package workload

import (
	"bytes"
	"fmt"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/stamp"
	"signalbench/server/phoenix"
)

// What is published as JSON is an object with one member, a string.
const (
	bulletinKey  = "m"
	bulletinHead = `{"` + bulletinKey + `":"`
	bulletinTail = `"}`
)

// Overhead is how many bytes of a payload JSON takes.
const Overhead = len(bulletinHead) + len(bulletinTail)

// NewBulletins returns the layout of payloads of size bytes in all. tag tells them
// from those of other runs.
func NewBulletins(size int, binary bool, tag byte) (*stamp.Layout, error) {
	inside := size
	if !binary {
		inside -= Overhead
	}
	if inside < stamp.HeaderSize {
		return nil, fmt.Errorf("a payload of %d B is too small for workload broadcast: what is verified and timed takes %d B", size, stamp.HeaderSize+size-inside)
	}
	return stamp.New(inside, tag)
}

// A backslash is a digit of a stamp and would be two bytes in JSON.
const backslash, instead = '\\', '~'

// swap puts one byte in the place of another.
func swap(p []byte, from, to byte) {
	for at := bytes.IndexByte(p, from); at >= 0; at = bytes.IndexByte(p, from) {
		p[at] = to
		p = p[at+1:]
	}
}

// bulletins writes and reads what is published. It belongs to one lane's thread.
//
// All members of a room are sent the same bytes. So a message that has been read
// once is known again by comparing it whole, which is all that most receivers cost.
type bulletins struct {
	*Audience
	client *channel.Client
	ref    [stamp.HeaderSize]byte
	head   [stamp.HeaderSize]byte
	out    []byte
	in     []byte
	known  [8]bulletin
	newest int // of known
}

// bulletin is a message that was read.
type bulletin struct {
	op        frame.Opcode
	frame     []byte
	room      uint32
	publisher uint32
	seq       uint32
	size      int // of the payload
	verdict   stamp.Verdict
}

// write returns a publisher's message, valid until the next call, and the size of
// its payload.
func (b *bulletins) write(s stamp.Stamp) (op frame.Opcode, p []byte, size int) {
	head, body := b.Layout.Parts(&b.head, s)
	ref, _ := b.Refs.Parts(&b.ref, s)
	if b.Binary {
		b.out = append(append(b.out[:0], head...), body...)
		op, p = b.client.PushBinary(s.Conn, ref, BroadcastEvent, b.out)
		return op, p, len(b.out)
	}
	b.out = append(append(append(b.out[:0], bulletinHead...), head...), body...)
	swap(b.out[len(bulletinHead):], backslash, instead)
	b.out = append(b.out, bulletinTail...)
	op, p = b.client.Push(s.Conn, ref, BroadcastEvent, b.out)
	return op, p, len(b.out)
}

// recall finds a message that was read before, nil if there is none.
func (b *bulletins) recall(op frame.Opcode, p []byte) *bulletin {
	for i := range b.known {
		if k := &b.known[(b.newest-i)&(len(b.known)-1)]; k.op == op && bytes.Equal(k.frame, p) {
			return k
		}
	}
	return nil
}

// notice is what a received message turned out to be.
type notice uint8

const (
	other    notice = iota // something else
	elsewise               // published, to another room
	news                   // published
	denied                 // the answer to what was published is no
	granted                // it is yes
)

// read reads a message that connection n received. The bulletin of news is valid
// until the next call.
func (b *bulletins) read(n uint32, op frame.Opcode, p []byte) (notice, bulletin) {
	kind, m := b.client.Recognise(n, op, p)
	switch {
	case kind == channel.Reply:
		s, verdict := b.Refs.ReadAny(m.Ref)
		if verdict != stamp.Intact || s.Conn != n {
			return other, bulletin{}
		}
		what := denied
		if status, _, err := m.Reply(); err == nil && string(status) == phoenix.OK {
			what = granted
		}
		return what, bulletin{publisher: s.Conn, seq: s.Seq}
	case kind == channel.Malformed:
		return news, bulletin{verdict: stamp.BadHeader, size: len(p)}
	case kind != channel.Event || string(m.Event) != BroadcastEvent:
		return other, bulletin{}
	case !bytes.Equal(m.Topic, b.client.Topic(n)):
		return elsewise, bulletin{}
	}
	got := bulletin{op: op, room: n % uint32(b.Rooms), size: b.Layout.Size(), verdict: stamp.BadHeader}
	inside := m.Payload
	if !b.Binary {
		got.size += Overhead
		raw, _, err := phoenix.Member(m.Payload, bulletinKey)
		if err != nil {
			return news, got
		}
		// A server may write a character in another way than it came.
		var ok bool
		if b.in, ok = phoenix.AppendUnquoted(b.in[:0], raw); !ok {
			return news, got
		}
		swap(b.in, instead, backslash)
		inside = b.in
	}
	s, verdict := b.Layout.ReadAny(inside)
	if verdict == stamp.BadHeader || s.Conn >= uint32(b.Rooms*b.Publishers) {
		return news, got
	}
	got.publisher, got.seq, got.verdict = s.Conn, s.Seq, verdict
	b.newest = (b.newest + 1) & (len(b.known) - 1)
	k := &b.known[b.newest]
	got.frame = append(k.frame[:0], p...)
	*k = got
	return news, got
}
