package target

import (
	"fmt"
	"net"
	"strconv"
)

// Consecutive returns the URLs of ports ports, from that of raw on: a server
// whose processes listen on a port each.
func Consecutive(raw string, ports int) ([]string, error) {
	u, err := parse(raw)
	if err != nil {
		return nil, err
	}
	first, err := strconv.Atoi(u.Port())
	if err != nil {
		return nil, fmt.Errorf("--ports %d: URL %q names no port to count from", ports, raw)
	}
	if ports < 1 || first+ports-1 > 65535 {
		return nil, fmt.Errorf("--ports %d: from port %d there are 1 to %d", ports, first, 65536-first)
	}
	list := make([]string, ports)
	for i := range list {
		u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(first+i))
		list[i] = unescaped(u.String())
	}
	return list, nil
}

// Fill makes connections fill one destination after the other instead of taking turns:
// in equal parts, or each with as many. Call it before Spread.
func (t *Target) Fill(each int) { t.ports, t.each = len(t.addrs), each }
