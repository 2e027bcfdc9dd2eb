package shards

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"signalbench/server/admin"
)

// answerTimeout bounds one question to a shard; a settling one collects garbage
// of many connections first.
const answerTimeout = time.Minute

// Info is the ready line of a shard.
type Info struct {
	PID    int      `json:"pid"`
	Engine string   `json:"engine"`
	Listen []string `json:"listen"`
	Tables int      `json:"descriptor_tables,omitempty"`
}

type shard struct {
	Info
	cmd    *exec.Cmd
	client *http.Client
	ended  chan struct{}

	mu      sync.Mutex
	last    admin.Connections
	asked   bool  // to end
	retired bool  // however it ends, that is meant
	err     error // of Wait; set before ended is closed
}

// start starts a shard and waits for its ready line. The shard ends with this
// process, however that ends (prctl(2), PR_SET_PDEATHSIG), and has a process
// group of its own, so that Ctrl-C reaches it through this process alone.
func start(ctx context.Context, o Options, i int, socket string) (*shard, error) {
	s := &shard{ended: make(chan struct{})}
	s.cmd = exec.Command(o.Binary, append(o.Args[i], "--admin", admin.UnixPrefix+socket)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	s.cmd.Env, s.cmd.Stderr = o.Env, o.Stderr
	// Wait must not close the pipe before the line is read, so it is our own.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	defer r.Close()
	s.cmd.Stdout = w
	err = errors.Join(s.cmd.Start(), w.Close())
	if err != nil {
		return nil, fmt.Errorf("starting a process: %w", err)
	}
	go func() {
		err := s.cmd.Wait()
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		close(s.ended)
	}()
	stop := context.AfterFunc(ctx, func() { s.signal(syscall.SIGKILL) })
	defer stop()
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.Info)
	}
	if err != nil {
		s.signal(syscall.SIGKILL)
		<-s.ended
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		_, how := s.fate()
		return nil, fmt.Errorf("was not ready (%s): see its message above", how)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	s.client = &http.Client{Transport: &http.Transport{DialContext: dial, MaxConnsPerHost: 1}, Timeout: answerTimeout}
	return s, nil
}

// signal sends a signal, which asks the shard to end.
func (s *shard) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over() {
		s.asked = true
		_ = s.cmd.Process.Signal(sig) // fails only if it has ended
	}
}

// retire says that the shard's end will be meant.
func (s *shard) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over() { // else it has ended before anybody meant it
		s.retired = true
	}
}

// over reports whether the shard has ended, for whatever reason.
func (s *shard) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// fate tells whether the shard has ended without being asked to, or with an
// error, and how.
func (s *shard) fate() (died bool, how string) {
	if !s.over() {
		return false, ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired {
		return false, "restarted"
	}
	if s.err != nil {
		return true, s.err.Error()
	}
	return !s.asked, "exit status 0"
}

func (s *shard) counted() admin.Connections {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *shard) open() int64 { return s.counted().Open }

// count asks for the counters alone, which is cheap.
func (s *shard) count() {
	var c admin.Connections
	if s.get("GET", "/counters", &c) == nil {
		s.keep(c)
	}
}

func (s *shard) keep(c admin.Connections) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = c
}

func (s *shard) stats(method, path string) (*admin.Stats, error) {
	stats := new(admin.Stats)
	if err := s.get(method, path, stats); err != nil {
		return nil, err
	}
	s.keep(stats.Connections)
	return stats, nil
}

func (s *shard) get(method, path string, into any) error {
	return s.do(context.Background(), method, path, "", nil, into)
}

// do asks for a path with a body of some media type, if there is one, and reads
// the answer.
func (s *shard) do(ctx context.Context, method, path, kind string, body io.Reader, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://shard"+path, body)
	if err != nil {
		return fmt.Errorf("asking shard process %d: %w", s.PID, err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("asking shard process %d: %w", s.PID, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = &admin.StatusError{Status: resp.StatusCode, Reason: string(bytes.TrimSpace(answer))}
	}
	if err == nil {
		err = json.Unmarshal(answer, into)
	}
	if err != nil {
		return fmt.Errorf("asking shard process %d: %w", s.PID, err)
	}
	return nil
}
