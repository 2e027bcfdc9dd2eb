package orchestrate

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// Ports hands out ports of 127.0.0.1 that no outgoing connection picks by
// itself, each once, until it starts again from the first: a port of the step
// before may still be full of connections in TIME_WAIT.
type Ports struct {
	first, last int // inclusive
	next        int
	// Inside tells that the range of outgoing ports leaves no room beside it.
	Inside bool
}

const rangeFile = "/proc/sys/net/ipv4/ip_local_port_range"

// NewPorts reads the range of outgoing ports and begins at a place decided by
// seed.
func NewPorts(seed uint64) (*Ports, error) {
	text, err := os.ReadFile(rangeFile)
	if err != nil {
		return nil, fmt.Errorf("reading the range of outgoing ports: %w", err)
	}
	var low, high int
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil {
		return nil, fmt.Errorf("reading %s: %w", rangeFile, err)
	}
	return newPorts(low, high, seed), nil
}

func newPorts(low, high int, seed uint64) *Ports {
	const lowest, highest, enough = 10000, 65535, 256
	p := &Ports{first: lowest, last: low - 1}
	if p.last-p.first < enough {
		p.first, p.last = max(high+1, lowest), highest
	}
	if p.last-p.first < enough {
		p.first, p.last, p.Inside = lowest, highest, true
	}
	p.next = p.first + int(seed%uint64(p.last-p.first+1))
	return p
}

// Next returns an address whose port nobody listens on at the moment.
func (p *Ports) Next() (string, error) { return p.Block(1) }

// Block returns the first of n addresses with consecutive ports that nobody
// listens on at the moment.
func (p *Ports) Block(n int) (string, error) {
	free := 0 // consecutive ports before next
	for range 2 * (p.last - p.first + 1) {
		if p.next > p.last {
			p.next, free = p.first, 0
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.next)))
		p.next++
		if err != nil {
			free = 0
			continue
		}
		if err := l.Close(); err != nil {
			return "", fmt.Errorf("trying port: %w", err)
		}
		if free++; free == n {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.next-n)), nil
		}
	}
	return "", fmt.Errorf("no %d free ports in a row on 127.0.0.1 between %d and %d", n, p.first, p.last)
}
