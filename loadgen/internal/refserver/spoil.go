package main

import (
	"bytes"

	"github.com/gobwas/ws"
)

// A fault is what happens to a spoiled echo.
type fault string

const (
	none    fault = "none"
	drop    fault = "drop"    // it is not sent
	double  fault = "double"  // it is sent twice
	reorder fault = "reorder" // it is sent after the next one of its connection
	corrupt fault = "corrupt" // one bit of the last payload byte is flipped
	behead  fault = "behead"  // one bit of the first payload byte is flipped
	mask    fault = "mask"    // it is sent masked, which a server must not do
	closing fault = "close"   // a close frame is sent instead, then the stream ends
	reset   fault = "reset"   // the connection is reset instead
)

// A spoiler decides what is written for the messages of all connections.
type spoiler struct {
	fault fault
	every uint64

	messages uint64 // seen
	spoiled  uint64
	echoes   uint64
}

// A verdict is what becomes of a connection after a message.
type verdict int

const (
	goOn  verdict = iota
	end           // write what is there, then end the stream
	abort         // reset
)

// echo appends to dst what is written for one message. held keeps the message
// of this connection that waits to be overtaken; it is nil if none does.
func (s *spoiler) echo(dst []byte, held *[]byte, op ws.OpCode, payload []byte) ([]byte, verdict) {
	s.messages++
	if s.fault == none || s.messages%s.every != 0 {
		dst = s.frame(dst, op, payload)
		if *held != nil {
			dst, *held = append(dst, *held...), nil
			s.spoiled++
			s.echoes++
		}
		return dst, goOn
	}
	switch s.fault {
	case reorder:
		if *held != nil { // two in a row: the first has been overtaken by none
			dst = append(dst, *held...)
			s.echoes++
		}
		*held = appendFrame(nil, op, payload)
		return dst, goOn // counted once it has been overtaken
	case double:
		dst = s.frame(s.frame(dst, op, payload), op, payload)
	case corrupt, behead:
		p := bytes.Clone(payload)
		at := len(p) - 1
		if s.fault == behead {
			at = 0
		}
		p[at] ^= 1
		dst = s.frame(dst, op, p)
	case mask:
		f := ws.MaskFrameWith(ws.NewFrame(op, true, bytes.Clone(payload)), [4]byte{1, 2, 3, 4})
		dst = append(dst, ws.MustCompileFrame(f)...)
		s.echoes++
	}
	s.spoiled++
	switch s.fault {
	case closing:
		return append(dst, ws.CompiledCloseGoingAway...), end
	case reset:
		return dst, abort
	}
	return dst, goOn
}

func (s *spoiler) frame(dst []byte, op ws.OpCode, payload []byte) []byte {
	s.echoes++
	return appendFrame(dst, op, payload)
}

func appendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	b := bytes.NewBuffer(dst)
	ws.WriteFrame(b, ws.NewFrame(op, true, payload)) // a bytes.Buffer fails at nothing
	return b.Bytes()
}
