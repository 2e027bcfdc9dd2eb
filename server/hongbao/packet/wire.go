package packet

import (
	"encoding/binary"
	"errors"
)

// Why something is no packet. They say nothing about the bytes, so that refusing
// them allocates nothing either.
var (
	ErrShort   = errors.New("packet is shorter than its header")
	ErrType    = errors.New("packet is of no known type")
	ErrLength  = errors.New("packet is not as long as its type is, or says so")
	ErrResult  = errors.New("packet has an unknown result")
	ErrAmount  = errors.New("packet has a negative amount of money")
	ErrSharers = errors.New("gift is not for one to three users")
)

// Append appends p to dst. p.Type must be one of the seven.
func (p *Packet) Append(dst []byte) []byte {
	e := binary.BigEndian
	dst = e.AppendUint16(dst, uint16(p.Type.Size()))
	dst = e.AppendUint16(dst, uint16(p.Type))
	dst = e.AppendUint64(dst, p.Time)
	switch p.Type {
	case Login, Shake:
		dst = e.AppendUint32(dst, p.User)
	case Ack:
		dst = e.AppendUint32(dst, p.User)
		dst = e.AppendUint32(dst, uint32(p.Result))
	case Reply:
		dst = e.AppendUint32(dst, p.User)
		dst = e.AppendUint32(dst, uint32(p.Result))
		dst = e.AppendUint32(dst, p.ID)
		dst = e.AppendUint32(dst, p.Amount)
	case Gift:
		dst = e.AppendUint32(dst, p.ID)
		dst = e.AppendUint32(dst, p.Amount)
		dst = e.AppendUint32(dst, p.Sharers)
		for _, u := range p.Users {
			dst = e.AppendUint32(dst, u)
		}
	case Grab:
		dst = e.AppendUint32(dst, p.User)
		dst = e.AppendUint32(dst, p.ID)
	case GrabReply:
		dst = e.AppendUint32(dst, p.ID)
		dst = e.AppendUint32(dst, p.Amount)
	}
	return dst
}

// Decode reads one whole packet, and refuses what is none: another length than its
// type has, a result or a number of users that there is not, a negative amount. It
// keeps nothing of b. After an error p is of no use.
func (p *Packet) Decode(b []byte) error {
	if len(b) < HeaderSize {
		return ErrShort
	}
	e := binary.BigEndian
	*p = Packet{Type: Type(e.Uint16(b[2:])), Time: e.Uint64(b[4:])}
	switch size := p.Type.Size(); {
	case size == 0:
		return ErrType
	case len(b) != size || int(e.Uint16(b)) != size:
		return ErrLength
	}
	field := func(i int) uint32 { return e.Uint32(b[HeaderSize+4*i:]) }
	switch p.Type {
	case Login, Shake:
		p.User = field(0)
	case Ack:
		p.User, p.Result = field(0), Result(field(1))
		if p.Result > Refused {
			return ErrResult
		}
	case Reply:
		p.User, p.Result, p.ID, p.Amount = field(0), Result(field(1)), field(2), field(3)
		if p.Result >= results {
			return ErrResult
		}
	case Gift:
		p.ID, p.Amount, p.Sharers = field(0), field(1), field(2)
		p.Users = [MaxUsers]uint32{field(3), field(4), field(5)}
		if p.Sharers < 1 || p.Sharers > MaxUsers {
			return ErrSharers
		}
	case Grab:
		p.User, p.ID = field(0), field(1)
	case GrabReply:
		p.ID, p.Amount = field(0), field(1)
	}
	if p.Amount > MaxAmount {
		return ErrAmount
	}
	return nil
}
