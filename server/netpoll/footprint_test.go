package netpoll_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"signalbench/server/echo"
	"signalbench/server/engine"
	"signalbench/server/netpoll"
)

// footprintEnv makes the test binary a server in a process of its own.
const footprintEnv = "SIGNALBENCH_NETPOLL_FOOTPRINT"

// footprintServer serves until its standard input ends. It writes its address,
// then for each line it reads its settled resident memory in bytes.
func footprintServer() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("error", err)
		return
	}
	eng, err := netpoll.Entry.New(engine.DefaultConfig())
	if err != nil {
		fmt.Println("error", err)
		return
	}
	addr := l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = eng.Serve(ctx, []net.Listener{l}, echo.Handler{})
	}()
	fmt.Println(addr)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		runtime.GC()
		debug.FreeOSMemory()
		fmt.Println(resident())
	}
	stop()
	<-done
}

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
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), footprintEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}()
	lines := bufio.NewScanner(out)
	line := func() string {
		if !lines.Scan() {
			t.Fatal("the server process went silent")
		}
		return lines.Text()
	}
	addr, err := net.ResolveTCPAddr("tcp", line())
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
		fmt.Fprintln(in)
		n, err := strconv.Atoi(line())
		if err != nil || n < 0 {
			t.Fatalf("resident memory: %v", err)
		}
		return n
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
