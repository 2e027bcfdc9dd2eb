package netpoll_test

import (
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// resident is the anonymous resident memory of this process in bytes.
func resident() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		return -1
	}
	return n << 10
}

// An idle connection after one echo takes at most 240 B of the server process:
// the slope between two plateaus, so that what a process costs by itself is not
// counted.
func TestFootprint(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("the race detector's shadow memory is not the engine's")
	}
	const first, second, allowed = 2_000, 9_000, 240
	need := uint64(second + 200)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < need {
		t.Fatalf("needs %d descriptors, may have %d", need, limit.Cur)
	}
	child := startChild(t, 0, 1)
	addr, err := net.ResolveTCPAddr("tcp", child.addr)
	if err != nil {
		t.Fatal(err)
	}
	var peers []*net.TCPConn
	defer func() {
		for _, p := range peers {
			_ = p.SetLinger(0) // no TIME_WAIT is left behind
			p.Close()
		}
	}()
	settled := func(conns int) int {
		for len(peers) < conns {
			p, err := net.DialTCP("tcp", nil, addr)
			if err != nil {
				t.Fatal(err)
			}
			peers = append(peers, p)
			if err := firstEcho(p); err != nil {
				t.Fatal(err)
			}
		}
		return child.ask(t, "resident")
	}
	a := settled(first)
	b := settled(second)
	each := float64(b-a) / (second - first)
	t.Logf("%.0f B per idle connection (%d B with %d, %d B with %d)", each, a, first, b, second)
	if each > allowed {
		t.Errorf("an idle connection costs %.0f B, want at most %d B", each, allowed)
	}
}

// firstEcho makes a connection one that was used once.
func firstEcho(p net.Conn) error {
	if _, err := io.WriteString(p, request); err != nil {
		return err
	}
	var buf [512]byte
	n := 0
	for !strings.Contains(string(buf[:n]), "\r\n\r\n") {
		k, err := p.Read(buf[n:])
		if err != nil {
			return err
		}
		n += k
	}
	if _, err := p.Write(masked(1, []byte("hello"))); err != nil {
		return err
	}
	_, err := io.ReadFull(p, buf[:7])
	return err
}
