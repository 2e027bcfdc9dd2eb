package enginetest

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
)

// An opcode is the four-bit type of a frame, also of those that do not exist.
type opcode byte

const (
	opContinuation opcode = 0x0
	opText         opcode = 0x1
	opBinary       opcode = 0x2
	opClose        opcode = 0x8
	opPing         opcode = 0x9
	opPong         opcode = 0xA
)

func (o opcode) String() string {
	switch o {
	case opContinuation:
		return "continuation"
	case opText:
		return "text"
	case opBinary:
		return "binary"
	case opClose:
		return "close"
	case opPing:
		return "ping"
	case opPong:
		return "pong"
	}
	return fmt.Sprintf("reserved opcode %d", byte(o))
}

func (o opcode) control() bool { return o >= 0x8 }

// A lengthForm is one of the three ways to write a payload length (RFC 6455
// section 5.2).
type lengthForm byte

const (
	minimal lengthForm = iota // whichever is shortest, the only one allowed
	in16bits
	in64bits
)

// A frame is one frame as a client sends it, with a switch for each rule that
// can be broken. The constructors below return well-formed ones with a random mask.
type frame struct {
	notFinal bool
	rsv      byte // 0 to 7, RSV1 is the highest
	op       opcode
	unmasked bool
	mask     [4]byte
	form     lengthForm
	payload  []byte
	declare  uint64 // if not 0, the length that the header tells instead of the true one
}

func data(op opcode, payload []byte) frame {
	f := frame{op: op, payload: payload}
	binary.NativeEndian.PutUint32(f.mask[:], rand.Uint32())
	return f
}

func text(s string) frame          { return data(opText, []byte(s)) }
func ping(payload string) frame    { return data(opPing, []byte(payload)) }
func pong(payload string) frame    { return data(opPong, []byte(payload)) }
func closing(payload []byte) frame { return data(opClose, payload) }

// closingWith is a close frame with a code and a reason.
func closingWith(code int, reason string) frame {
	return closing(append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}

// first returns f as the first fragment of a message.
func (f frame) first() frame { f.notFinal = true; return f }

// next returns a fragment in the middle of a message, last its end.
func next(payload string) frame { return data(opContinuation, []byte(payload)).first() }
func last(payload string) frame { return data(opContinuation, []byte(payload)) }

// append writes f in wire format behind dst.
func (f frame) append(dst []byte) []byte {
	b0 := f.rsv<<4 | byte(f.op)
	if !f.notFinal {
		b0 |= 0x80
	}
	var masked byte
	if !f.unmasked {
		masked = 0x80
	}
	n := uint64(len(f.payload))
	if f.declare != 0 {
		n = f.declare
	}
	form := f.form
	if form == minimal && n > 125 {
		form = in16bits
		if n > 65535 {
			form = in64bits
		}
	}
	switch form {
	case minimal:
		dst = append(dst, b0, masked|byte(n))
	case in16bits:
		dst = binary.BigEndian.AppendUint16(append(dst, b0, masked|126), uint16(n))
	case in64bits:
		dst = binary.BigEndian.AppendUint64(append(dst, b0, masked|127), n)
	}
	if f.unmasked {
		return append(dst, f.payload...)
	}
	dst = append(dst, f.mask[:]...)
	for i, b := range f.payload {
		dst = append(dst, b^f.mask[i&3])
	}
	return dst
}

// wire returns frames in wire format, one behind the other.
func wire(frames ...frame) []byte {
	var b []byte
	for _, f := range frames {
		b = f.append(b)
	}
	return b
}

// largestReceived bounds what the kit lets a server send in one frame.
const largestReceived = 2 * largestSent

// readFrame reads one frame of a server and holds it against what a server may
// send when no extension was agreed on.
func readFrame(r io.Reader) (frame, error) {
	var h [10]byte
	if _, err := io.ReadFull(r, h[:2]); err != nil {
		return frame{}, err
	}
	f := frame{notFinal: h[0]&0x80 == 0, rsv: h[0] >> 4 & 7, op: opcode(h[0] & 0xf), unmasked: h[1]&0x80 == 0}
	n := uint64(h[1] & 0x7f)
	least := uint64(0) // that needs this form
	switch n {
	case 126:
		if _, err := io.ReadFull(r, h[2:4]); err != nil {
			return frame{}, unfinished(err)
		}
		n, least = uint64(binary.BigEndian.Uint16(h[2:])), 126
	case 127:
		if _, err := io.ReadFull(r, h[2:10]); err != nil {
			return frame{}, unfinished(err)
		}
		n, least = binary.BigEndian.Uint64(h[2:]), 65536
	}
	switch {
	case !f.unmasked:
		return frame{}, violation("RFC 6455 5.1: the server's %v frame is masked", f.op)
	case f.rsv != 0:
		return frame{}, violation("RFC 6455 5.2: the server's %v frame has reserved bits %03b without an extension", f.op, f.rsv)
	case f.op > opBinary && f.op < opClose || f.op > opPong:
		return frame{}, violation("RFC 6455 5.2: the server sent %v", f.op)
	case n < least:
		return frame{}, violation("RFC 6455 5.2: the server wrote the length %d in more bytes than needed", n)
	case f.op.control() && n > 125:
		return frame{}, violation("RFC 6455 5.5: the server's %v frame has a payload of %d B", f.op, n)
	case f.op.control() && f.notFinal:
		return frame{}, violation("RFC 6455 5.5: the server's %v frame is a fragment", f.op)
	case n > largestReceived:
		return frame{}, violation("the server announced a frame of %d B", n)
	}
	f.payload = make([]byte, n)
	if _, err := io.ReadFull(r, f.payload); err != nil {
		return frame{}, unfinished(err)
	}
	return f, nil
}

// unfinished tells the end of the stream inside a frame from that between frames.
func unfinished(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A violationError is a rule that the server broke in what it sent.
type violationError string

func (e violationError) Error() string { return string(e) }

func violation(format string, a ...any) error { return violationError(fmt.Sprintf(format, a...)) }

func (f frame) String() string {
	if f.op == opClose {
		switch n := len(f.payload); {
		case n == 0:
			return "close frame without a code"
		case n == 1:
			return "close frame with a payload of 1 B"
		case n == 2:
			return fmt.Sprintf("close %d", binary.BigEndian.Uint16(f.payload))
		}
		return fmt.Sprintf("close %d (%s)", binary.BigEndian.Uint16(f.payload), excerpt(f.payload[2:]))
	}
	part := ""
	if f.notFinal {
		part = " fragment"
	}
	return fmt.Sprintf("%v%s of %d B %s", f.op, part, len(f.payload), excerpt(f.payload))
}

// excerpt shows the start of a payload.
func excerpt(p []byte) string {
	const most = 32
	if len(p) > most {
		return fmt.Sprintf("%q...", p[:most])
	}
	return fmt.Sprintf("%q", p)
}
