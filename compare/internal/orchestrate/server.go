package orchestrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"signalbench/compare/internal/child"
)

// rawScheme is that of servers that speak no WebSocket.
const rawScheme = "tcp"

// startTries is how many pairs of ports are tried.
const startTries = 5

// starting says how to start a server.
type starting struct {
	binary string
	args   []string // before --listen and --admin
	engine string   // that the server must say it is
	flags  []string // behind them
	scheme string
	admin  bool          // it has an admin listener
	ports  int           // consecutive ones to serve on
	ready  time.Duration // longest wait for the ready line
}

// starting is how an arm's server is started, but for what the plan adds.
func (e *execution) starting(a *Arm) starting {
	how := starting{binary: e.Server, engine: a.engine(), scheme: "ws", admin: true, ready: e.patience.ready}
	how.args = []string{"serve", "--engine", how.engine}
	p := a.Program
	if p == nil {
		return how
	}
	how.args, how.admin = p.Args, p.Admin
	if p.Path != "" {
		how.binary = p.Path
	}
	if p.Scheme != "" {
		how.scheme = p.Scheme
	}
	return how
}

// A server is a running server that was started here.
type server struct {
	*child.Process
	URL   string   // of the echo service
	Admin string   // URL of its admin listener; empty if it has none
	Argv  []string // how it was started
}

// ready is the line that the server prints once it listens.
type ready struct {
	PID    int      `json:"pid"`
	Engine string   `json:"engine"`
	Listen []string `json:"listen"`
	Admin  string   `json:"admin"`
}

// errInUse is a port that somebody took before the server could.
var errInUse = errors.New("address already in use")

// startServer starts a fresh server of one engine, waits until it is ready, and
// makes sure that who answers is the process that was started. A port in use
// is no error yet: others are tried, and note is told.
func startServer(ctx context.Context, how starting, ports *Ports, note func(string)) (*server, error) {
	var err error
	for range startTries {
		var listen, admin string
		if listen, err = ports.Block(max(1, how.ports)); err != nil {
			return nil, err
		}
		if admin, err = ports.Next(); err != nil {
			return nil, err
		}
		var s *server
		if s, err = startServerOn(ctx, how, listen, admin); err == nil {
			return s, nil
		}
		if !errors.Is(err, errInUse) {
			return nil, err
		}
		note(fmt.Sprintf("%s or %s was taken before the server could listen there; trying other ports", listen, admin))
	}
	return nil, err
}

func startServerOn(ctx context.Context, how starting, listen, admin string) (*server, error) {
	args := append(slices.Clone(how.args), "--listen", listen)
	if how.admin {
		args = append(args, "--admin", admin)
	} else {
		admin = ""
	}
	args = append(args, how.flags...)
	first := child.NewFirstLine()
	p, err := child.Start(child.Spec{Path: how.binary, Args: args, Stdout: first})
	if err != nil {
		return nil, err
	}
	s := &server{Process: p, Argv: append([]string{filepath.Base(how.binary)}, args...)}
	if err := s.await(ctx, first, how, listen, admin); err != nil {
		s.Kill()
		return nil, err
	}
	scheme := how.scheme
	if slices.ContainsFunc(how.flags, func(f string) bool { return strings.HasPrefix(f, "--tls-cert") }) {
		scheme = "wss"
	}
	s.URL = scheme + "://" + listen
	if scheme != rawScheme {
		s.URL += echoPath
	}
	if admin != "" {
		s.Admin = "http://" + admin
	}
	return s, nil
}

// await waits for the ready line and checks every identity in it.
func (s *server) await(ctx context.Context, first *child.FirstLine, how starting, listen, admin string) error {
	engine := how.engine
	ctx, cancel := context.WithTimeoutCause(ctx, how.ready,
		fmt.Errorf("the server of %s was not ready within %v", engine, how.ready))
	defer cancel()
	var line []byte
	select {
	case line = <-first.C():
	case <-s.Done():
		if strings.Contains(s.Tail(), errInUse.Error()) {
			return fmt.Errorf("%w: %w", errInUse, s.Err())
		}
		if err := s.Err(); err != nil {
			return fmt.Errorf("the server of %s did not start: %w", engine, err)
		}
		return fmt.Errorf("the server of %s ended before it was ready", engine)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var r ready
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("the server of %s says %q instead of its ready line: %w", engine, line, err)
	}
	if r.PID != s.PID() || r.Engine != engine || !slices.Contains(r.Listen, listen) || r.Admin != admin {
		return fmt.Errorf("asked for engine %s on %s with admin %s in process %d, but ready is %s", engine, listen, admin, s.PID(), line)
	}
	if admin == "" {
		return nil
	}
	return s.owns(ctx, engine, "http://"+admin)
}

// owns asks the admin listener who it is: the figures must be those of the
// process that was started, not of an older one on the same port.
func (s *server) owns(ctx context.Context, engine, admin string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/stats", nil)
	if err != nil {
		return fmt.Errorf("asking the server who it is: %w", err)
	}
	transport := &http.Transport{Proxy: nil, DisableKeepAlives: true}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("asking the server who it is: %w", err)
	}
	defer res.Body.Close()
	var stats struct {
		PID    int    `json:"pid"`
		Engine string `json:"engine"`
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the server who it is: %s", res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(&stats); err != nil {
		return fmt.Errorf("asking the server who it is: %w", err)
	}
	if stats.PID != s.PID() || stats.Engine != engine {
		return fmt.Errorf("%s is answered by process %d with engine %q, not by the server that was started (%d, %q)",
			admin, stats.PID, stats.Engine, s.PID(), engine)
	}
	return nil
}
