package target

import (
	"fmt"
	"net/netip"
	"os"

	"signalbench/loadgen/internal/wire"
)

// A Spread gives each connection its route. One pair of addresses and one
// destination port carry at most as many connections as there are local ports
// (ip(7), ip_local_port_range), so connections go to the destinations in turn,
// or fill one after the other if they are ports of one server ([Target.Fill]).
// Over loopback they come from as many addresses of 127.0.0.0/8 as it takes; a
// remote target leaves the source to the kernel. It is read-only after
// [Target.Spread] and may be shared.
type Spread struct {
	to      []netip.AddrPort
	filled  uint32 // connections that fill one destination after the other; 0: they take turns
	most    uint32 // that fill one, but for the last; 0: equal parts
	sources uint32 // 0: the kernel's choice
	spare   bool   // further sources may be tried
}

// Spread plans routes for conns connections with ports local ports each.
func (t *Target) Spread(conns, ports int) *Spread {
	s := &Spread{to: t.addrs, spare: t.Loopback() && t.addrs[0].Addr().Is4()}
	// connect(2) looks at the even ports first, and then at all of them again:
	// beyond half of the range it is slow (net/ipv4/inet_hashtables.c).
	usable := max(1, ports*2/5)
	each := (conns + len(s.to) - 1) / len(s.to)
	if t.ports > 1 {
		s.filled = uint32(conns)
		if t.each > 0 {
			each, s.most = min(conns, t.each), uint32(t.each)
		}
	}
	if each > usable && s.spare {
		s.sources = uint32((each + usable - 1) / usable)
	}
	return s
}

// Destination returns the number of the destination of connection n.
func (s *Spread) Destination(n uint32) uint32 {
	if s.most > 0 {
		return min(n/s.most, uint32(len(s.to)-1))
	}
	if s.filled > 0 {
		return uint32(uint64(n) * uint64(len(s.to)) / uint64(s.filled))
	}
	return n % uint32(len(s.to))
}

// Route returns the route of connection n. A further try, from 1, gets another
// source address; ok is false if there is none.
func (s *Spread) Route(n uint32, try uint8) (r wire.Route, ok bool) {
	to := uint32(len(s.to))
	r.To = s.to[s.Destination(n)]
	if s.sources == 0 && try == 0 {
		return r, true
	}
	if !s.spare {
		return r, try == 0
	}
	k := uint32(try)
	if s.sources > 0 {
		turn := n / to
		if s.filled > 0 {
			turn = n
		}
		k = turn%s.sources + uint32(try)*s.sources
	}
	// 127.0.0.1 and up, without .0 and .255.
	r.From = netip.AddrFrom4([4]byte{127, byte(k / (254 * 256)), byte(k / 254), byte(1 + k%254)})
	return r, true
}

// LocalPorts returns how many ports the kernel chooses from, by
// /proc/sys/net/ipv4/ip_local_port_range.
func LocalPorts() (int, error) {
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0, fmt.Errorf("reading the range of local ports: %w", err)
	}
	var low, high int
	if _, err := fmt.Sscan(string(data), &low, &high); err != nil || high < low {
		return 0, fmt.Errorf("the range of local ports reads %q", data)
	}
	return high - low + 1, nil
}
