package packet

import "strconv"

// A Type is what a packet is.
type Type uint16

// The types, with the numbers that the author's server gives them.
const (
	Login Type = iota
	Ack
	Shake
	Reply
	Gift
	Grab
	GrabReply
	types
)

const (
	// HeaderSize is the length of what all packets begin with, in bytes.
	HeaderSize = 12
	// MaxSize is the length of the longest packet, in bytes.
	MaxSize = 36
	// MaxUsers is how many users one gift is for at most.
	MaxUsers = 3
	// MaxAmount is the largest sum of money, in cents: a larger one would be
	// negative to who reads it as a signed number.
	MaxAmount = 1<<31 - 1
)

// sizes are the lengths of whole packets in bytes.
var sizes = [types]int{Login: 16, Ack: 20, Shake: 16, Reply: 28, Gift: MaxSize, Grab: 20, GrabReply: 20}

var names = [types]string{
	Login: "login", Ack: "ack", Shake: "shake", Reply: "reply", Gift: "gift", Grab: "grab", GrabReply: "grab reply",
}

// Size is the length of a whole packet in bytes, 0 if there is no such type.
func (t Type) Size() int {
	if t >= types {
		return 0
	}
	return sizes[t]
}

func (t Type) String() string {
	if t >= types {
		return "type " + strconv.Itoa(int(t))
	}
	return names[t]
}

// A Result is how a login or a shake came out.
type Result uint32

// The results. A login has the first two.
const (
	// None is a shake that found no envelope, and a login that succeeded.
	None Result = iota
	// Got is a shake that found one, and a login that was refused.
	Got
	// Overload is a shake beyond what the server takes in a second.
	Overload
	results
)

// The results of a login.
const (
	Welcome = None
	Refused = Got
)

func (r Result) String() string {
	switch r {
	case None:
		return "none"
	case Got:
		return "got"
	case Overload:
		return "overload"
	}
	return "result " + strconv.Itoa(int(r))
}

// A Packet is any of them. Fields that its type does not have are not written, and
// are zero after reading.
type Packet struct {
	Type   Type
	Time   uint64 // of sending, seconds since 1970 (UTC)
	User   uint32 // all but gift and grab reply
	Result Result // ack, reply
	ID     uint32 // of the envelope; reply, gift, grab, grab reply
	Amount uint32 // cents; reply, gift, grab reply
	// Users are whom a gift is for, Sharers of them; the others are zero.
	Sharers uint32
	Users   [MaxUsers]uint32
}

// For reports whether a gift is for user.
func (p *Packet) For(user uint32) bool {
	for _, u := range p.Users[:min(p.Sharers, MaxUsers)] {
		if u == user {
			return true
		}
	}
	return false
}
