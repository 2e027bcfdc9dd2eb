package child

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// role makes the test binary play the child.
const role = "SIGNALBENCH_CHILD_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // or each child sleeps for a second under the race detector
		goleak.VerifyTestMain(m)
	case "patient": // says it is ready and ends on SIGINT
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGINT)
		fmt.Println("ready")
		<-c
	case "deaf": // ignores SIGINT
		signal.Ignore(syscall.SIGINT)
		fmt.Println("ready")
		_ = unix.Pause() // the runtime would call an empty select a deadlock
	case "failing":
		for i := range 20 {
			fmt.Fprintf(os.Stderr, "line %d\n", i)
		}
		fmt.Fprint(os.Stderr, "no descriptors left")
		os.Exit(3)
	case "parent": // starts a deaf child, tells its pid and waits to be killed
		os.Setenv(role, "deaf")
		first := NewFirstLine()
		p, err := Start(Spec{Path: os.Args[0], Stdout: first})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		<-first.C()
		fmt.Println(p.PID())
		select {}
	}
}

func start(t *testing.T, as string) (*Process, *FirstLine) {
	t.Helper()
	t.Setenv(role, as)
	first := NewFirstLine()
	p, err := Start(Spec{Path: os.Args[0], Stdout: first})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p, first
}

func TestStop(t *testing.T) {
	for _, tt := range []struct {
		role   string
		grace  time.Duration
		killed bool
	}{
		{"patient", time.Minute, false},
		{"deaf", 50 * time.Millisecond, true},
	} {
		t.Run(tt.role, func(t *testing.T) {
			p, first := start(t, tt.role)
			if got := string(<-first.C()); got != "ready" {
				t.Fatalf("first line %q", got)
			}
			if killed := p.Stop(tt.grace); killed != tt.killed {
				t.Errorf("killed = %v, want %v", killed, tt.killed)
			}
			if !p.Ended() {
				t.Error("still runs after Stop")
			}
			if tt.killed == (p.Err() == nil) {
				t.Errorf("Err() = %v", p.Err())
			}
			if p.Stop(0) {
				t.Error("an ended child was killed")
			}
		})
	}
}

func TestErrKeepsLastLines(t *testing.T) {
	p, _ := start(t, "failing")
	var e *ExitError
	if !errors.As(p.Err(), &e) || e.Code != 3 {
		t.Fatalf("Err() = %v, want exit code 3", p.Err())
	}
	lines := strings.Split(e.Tail, "\n")
	if len(lines) != tailLines+1 || lines[0] != "line 8" || lines[tailLines] != "no descriptors left" {
		t.Errorf("tail is\n%s", e.Tail)
	}
}

func TestStartUnknown(t *testing.T) {
	if _, err := Start(Spec{Path: "/nonexistent/server"}); err == nil || !strings.Contains(err.Error(), "/nonexistent/server") {
		t.Errorf("Start = %v", err)
	}
}

// A child must not outlive us, however we end.
func TestDiesWithParent(t *testing.T) {
	// The grandchild becomes ours when its parent dies, so that its end can be
	// waited for.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"=parent")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, on purpose
	ended := make(chan syscall.WaitStatus, 1)
	go func() {
		var ws syscall.WaitStatus
		_, _ = syscall.Wait4(pid, &ws, 0, nil)
		ended <- ws
	}()
	select {
	case ws := <-ended:
		if ws.Signal() != syscall.SIGKILL {
			t.Errorf("the child ended with %v, want SIGKILL", ws)
		}
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(pid, syscall.SIGKILL)
		t.Error("the child outlived its parent")
	}
}
