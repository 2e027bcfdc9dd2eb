package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/adminapi"
)

// perConn is what the child takes for each connection.
const perConn = 10_000

// childEnv makes the test binary be the child: a server that takes connections
// and touches perConn bytes of memory for each, and nothing else.
const childEnv = "LEDGER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := serveChild(); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// hello is the line that the child prints when it is ready.
type hello struct {
	PID    int
	Listen string
	Admin  string
}

// serveChild holds connections as raw descriptors, so that nothing of the Go
// library adds to the cost of one. Their memory is a mapping outside of the Go
// heap, because the heap rounds 10,000 B up to the next size class.
func serveChild() error {
	arena, err := unix.Mmap(-1, 0, 4000*perConn, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	_ = unix.Madvise(arena, unix.MADV_NOHUGEPAGE)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	if err := unix.Listen(fd, 1024); err != nil {
		return err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return err
	}
	go func() {
		runtime.LockOSThread()
		ones := bytes.Repeat([]byte{1}, perConn)
		for n := 0; ; n++ {
			// Without a peer address, nothing is allocated.
			conn, _, errno := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_CLOEXEC, 0, 0)
			if errno != 0 {
				fmt.Fprintln(os.Stderr, "child: accept:", errno)
				os.Exit(1)
			}
			copy(arena[n*perConn:(n+1)*perConn], ones)
			// The memory is there before the peer knows.
			if _, err := unix.Write(int(conn), ones[:1]); err != nil {
				os.Exit(1)
			}
		}
	}()
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	stats := func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(adminapi.Stats{Engine: "child", PID: os.Getpid(), Go: &adminapi.Go{Goroutines: int64(runtime.NumGoroutine())}})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", stats)
	mux.HandleFunc("POST /settle", func(w http.ResponseWriter, r *http.Request) {
		runtime.GC()
		debug.FreeOSMemory()
		stats(w, r)
	})
	h := hello{PID: os.Getpid(), Listen: fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port), Admin: "http://" + admin.Addr().String()}
	if err := json.NewEncoder(os.Stdout).Encode(h); err != nil {
		return err
	}
	return http.Serve(admin, mux)
}

// startChild starts a child that ends with the test.
func startChild(t *testing.T) (hello, *exec.Cmd) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var h hello
	if err := json.NewDecoder(out).Decode(&h); err != nil {
		t.Fatalf("the child does not say that it is ready: %v", err)
	}
	return h, cmd
}
