// Package child runs one process on a leash: in a process group of its own, so
// that a Ctrl-C at the terminal reaches only us; killed by the kernel if we
// die; its last words on stderr kept for the error message.
//
// The package must not know what the process does.
package child

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Spec says what to start.
type Spec struct {
	Path string
	Args []string // without argv[0]
	Dir  string   // working directory; empty is ours
	// Stdout receives standard output and may be nil.
	Stdout io.Writer
	// OnLine, if not nil, is called with each line of standard error, from one
	// goroutine, without its newline. It must not block.
	OnLine func(line string)
}

// A Process is a started child. Its methods may be used from any goroutine.
type Process struct {
	name string
	cmd  *exec.Cmd
	tail *tail
	done chan struct{}
	err  error // of Wait; read only after done
}

// pipeDelay bounds the wait for output pipes that a grandchild keeps open.
const pipeDelay = 2 * time.Second

// Start starts the process and waits for it in the background.
func Start(s Spec) (*Process, error) {
	cmd := exec.Command(s.Path, s.Args...)
	p := &Process{name: s.Path, cmd: cmd, tail: &tail{onLine: s.OnLine}, done: make(chan struct{})}
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, s.Stdout, p.tail
	cmd.WaitDelay = pipeDelay
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread that forked ends, not the
		// process (prctl(2)), so that thread is held for as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.Path, err)
	}
	return p, nil
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended and its output is read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the child has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Err waits for the end and returns nil after exit code 0, else an [*ExitError].
func (p *Process) Err() error {
	<-p.done
	if p.err == nil {
		return nil
	}
	e := &ExitError{Name: p.name, Code: -1, State: p.err.Error(), Tail: p.tail.String()}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		e.Code = exit.ExitCode() // -1 after a signal
	}
	return e
}

// Tail is the last lines that the child wrote to standard error.
func (p *Process) Tail() string { return p.tail.String() }

// Stop asks the child to end with SIGINT and waits. After grace it kills the
// child's whole group and reports killed. Stopping an ended child is fine.
func (p *Process) Stop(grace time.Duration) (killed bool) {
	if p.Ended() {
		return false
	}
	_ = p.cmd.Process.Signal(syscall.SIGINT) // fails only if it has ended
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return false
	case <-timer.C:
		p.Kill()
		return true
	}
}

// Kill kills the child's process group and waits for the child.
func (p *Process) Kill() {
	if !p.Ended() {
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	}
	<-p.done
}

// An ExitError says how a child ended and what it said last.
type ExitError struct {
	Name  string // the program
	Code  int    // exit code, -1 after a signal
	State string // "exit status 1", "signal: killed"
	Tail  string // last lines of standard error
}

func (e *ExitError) Error() string {
	s := e.Name + ": " + e.State
	if e.Tail != "" {
		s += "; its last words:\n" + e.Tail
	}
	return s
}
