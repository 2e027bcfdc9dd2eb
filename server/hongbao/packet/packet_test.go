package packet

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// at is in every header below: 2017-02-01 00:00:00 UTC.
const at = 0x5891_2480

// whole are packets and what they are on the wire, field by field.
var whole = []struct {
	packet Packet
	bytes  string
}{
	{Packet{Type: Login, Time: at, User: 0x01020304}, "0010 0000 0000000058912480 01020304"},
	{Packet{Type: Ack, Time: at, User: 7, Result: Refused}, "0014 0001 0000000058912480 00000007 00000001"},
	{Packet{Type: Shake, Time: at, User: 1 << 31}, "0010 0002 0000000058912480 80000000"},
	{Packet{Type: Reply, Time: at, User: 7}, "001c 0003 0000000058912480 00000007 00000000 00000000 00000000"},
	{Packet{Type: Reply, Time: at, User: 7, Result: Got, ID: 0x100000, Amount: 309}, "001c 0003 0000000058912480 00000007 00000001 00100000 00000135"},
	{Packet{Type: Reply, Time: at, User: 7, Result: Overload}, "001c 0003 0000000058912480 00000007 00000002 00000000 00000000"},
	{
		Packet{Type: Gift, Time: at, ID: 0x200000, Amount: 10, Sharers: 3, Users: [3]uint32{1, 2, 3}},
		"0024 0004 0000000058912480 00200000 0000000a 00000003 00000001 00000002 00000003",
	},
	{Packet{Type: Grab, Time: at, User: 7, ID: 0x200000}, "0014 0005 0000000058912480 00000007 00200000"},
	{Packet{Type: GrabReply, Time: at, ID: 0x200000, Amount: MaxAmount}, "0014 0006 0000000058912480 00200000 7fffffff"},
}

func raw(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBytes(t *testing.T) {
	for _, c := range whole {
		want := raw(t, c.bytes)
		if len(want) != c.packet.Type.Size() {
			t.Errorf("%s is %d B, the table has %d", c.packet.Type, c.packet.Type.Size(), len(want))
		}
		if got := c.packet.Append(nil); string(got) != string(want) {
			t.Errorf("%+v\n is %x\nwant %x", c.packet, got, want)
		}
		back := Packet{User: 99, Sharers: 2}
		if err := back.Decode(want); err != nil || back != c.packet {
			t.Errorf("%x\n is %+v, %v\nwant %+v", want, back, err, c.packet)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		want  error
	}{
		"empty":                  {"", ErrShort},
		"header in part":         {"0010 0000 00000000589124", ErrShort},
		"type 7":                 {"0010 0007 0000000058912480 01020304", ErrType},
		"one byte too few":       {"0010 0000 0000000058912480 010203", ErrLength},
		"one byte too many":      {"0010 0000 0000000058912480 0102030405", ErrLength},
		"length of another type": {"0014 0000 0000000058912480 01020304", ErrLength},
		"header alone":           {"000c 0000 0000000058912480", ErrLength},
		"ack with overload":      {"0014 0001 0000000058912480 00000007 00000002", ErrResult},
		"reply with result 3":    {"001c 0003 0000000058912480 00000007 00000003 00000000 00000000", ErrResult},
		"negative envelope":      {"001c 0003 0000000058912480 00000007 00000001 00100000 80000000", ErrAmount},
		"negative share":         {"0014 0006 0000000058912480 00200000 ffffffff", ErrAmount},
		"gift for nobody":        {"0024 0004 0000000058912480 00200000 0000000a 00000000 00000001 00000002 00000003", ErrSharers},
		"gift for four":          {"0024 0004 0000000058912480 00200000 0000000a 00000004 00000001 00000002 00000003", ErrSharers},
	} {
		if err := new(Packet).Decode(raw(t, c.bytes)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestFor(t *testing.T) {
	g := Packet{Sharers: 2, Users: [3]uint32{5, 0, 9}}
	for user, want := range map[uint32]bool{5: true, 0: true, 9: false, 1: false} {
		if g.For(user) != want {
			t.Errorf("a gift for 5 and 0 is for %d: %t", user, !want)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	var p Packet
	buf := make([]byte, 0, MaxSize)
	gift := whole[6].packet
	bad := raw(t, "0014 0006 0000000058912480 00200000 ffffffff")
	if n := testing.AllocsPerRun(100, func() {
		buf = gift.Append(buf[:0])
		if p.Decode(buf) != nil || p.Decode(bad) == nil {
			t.Error("a gift and a negative share are taken for each other")
		}
	}); n != 0 {
		t.Errorf("%v allocations to write and read", n)
	}
}

// What is read is written as it was, byte by byte.
func FuzzDecode(f *testing.F) {
	for _, c := range whole {
		f.Add(raw(f, c.bytes))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Packet
		if p.Decode(b) != nil {
			return
		}
		if got := p.Append(nil); string(got) != string(b) {
			t.Fatalf("%x was read as %+v and written as %x", b, p, got)
		}
		if p.Amount > MaxAmount || p.Sharers > MaxUsers || p.Type.Size() != len(b) {
			t.Fatalf("%x was read as %+v", b, p)
		}
	})
}
