package target

import (
	"fmt"
	"net/netip"
	"os"

	"signalbench/loadgen/internal/wire"
)

// A Spread gives each connection its route. One pair of addresses and one
// destination port carry at most as many connections as there are local ports
// (ip(7), ip_local_port_range), so connections go to the destinations in turn
// and, over loopback, come from as many addresses of 127.0.0.0/8 as it takes.
// A remote target leaves the source to the kernel. It is read-only after
// [Target.Spread] and may be shared.
type Spread struct {
	to      []netip.AddrPort
	sources uint32 // 0: the kernel's choice
	spare   bool   // further sources may be tried
}

// Spread plans routes for conns connections with ports local ports each.
func (t *Target) Spread(conns, ports int) *Spread {
	s := &Spread{to: t.addrs, spare: t.Loopback() && t.addrs[0].Addr().Is4()}
	usable := ports - ports/10 // the last free ports are slow to find
	each := (conns + len(s.to) - 1) / len(s.to)
	if each > usable && s.spare {
		s.sources = uint32((each + usable - 1) / usable)
	}
	return s
}

// Route returns the route of connection n. A further try, from 1, gets another
// source address; ok is false if there is none.
func (s *Spread) Route(n uint32, try uint8) (r wire.Route, ok bool) {
	to := uint32(len(s.to))
	r.To = s.to[n%to]
	if s.sources == 0 && try == 0 {
		return r, true
	}
	if !s.spare {
		return r, try == 0
	}
	k := uint32(try)
	if s.sources > 0 {
		k = (n/to)%s.sources + uint32(try)*s.sources
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
