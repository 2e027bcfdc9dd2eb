package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"signalbench/compare/internal/child"
	"signalbench/compare/internal/orchestrate"
)

// doctorCommand asks the load generator, which knows the limits of both sides.
type doctorCommand struct {
	Conns int    `help:"Connections that are wanted." default:"10000" placeholder:"N"`
	JSON  bool   `name:"json" help:"Answer in JSON."`
	Bin   string `help:"Folder with ready binaries server and loadgen, instead of building them." placeholder:"DIR" type:"path"`
}

// Run hands the load generator's answer and exit code on.
func (c *doctorCommand) Run(s *session) error {
	bin, err := binaries(s, c.Bin)
	if err != nil {
		return err
	}
	defer bin.Close() // a temporary folder; nothing is lost if it stays
	args := []string{"doctor", "--conns", strconv.Itoa(c.Conns)}
	if c.JSON {
		args = append(args, "--json")
	}
	p, err := child.Start(child.Spec{Path: bin.Loadgen, Args: args, Stdout: s.stdout, OnLine: func(line string) {
		fmt.Fprintln(s.stderr, line)
	}})
	if err != nil {
		return err
	}
	if err := wait(s.ctx, p); err != nil {
		return err
	}
	var exit *child.ExitError
	if errors.As(p.Err(), &exit) && exit.Code > 0 {
		return &codeError{code: exit.Code} // it has said why
	}
	return p.Err()
}

// wait waits for the end of a child that is stopped when ctx is.
func wait(ctx context.Context, p *child.Process) error {
	select {
	case <-p.Done():
		return nil
	case <-ctx.Done():
		p.Stop(time.Second)
		return context.Cause(ctx)
	}
}

// fits asks the doctor before anything is measured: a comparison that runs into
// a limit would do so in every step.
func fits(ctx context.Context, loadgen string, load orchestrate.Load, shards, idleBytes int, serverHere bool) error {
	conns := load.Conns
	args := []string{"doctor", "--json", "--conns", strconv.Itoa(conns), "--shards", strconv.Itoa(shards), "--destinations", strconv.Itoa(shards)}
	if idleBytes > 0 {
		args = append(args, fmt.Sprintf("--server-bytes=%dB", idleBytes))
	}
	if !serverHere {
		args = append(args, "--client-only")
	}
	var out bytes.Buffer
	p, err := child.Start(child.Spec{Path: loadgen, Args: args, Stdout: &out})
	if err != nil {
		return err
	}
	if err := wait(ctx, p); err != nil {
		return err
	}
	var answer struct {
		OK    bool  `json:"ok"`
		Fits  int64 `json:"fits"`
		First struct {
			Name string `json:"name"`
			Side string `json:"side"`
			Fix  string `json:"fix"`
		} `json:"first"`
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		if exit := p.Err(); exit != nil {
			err = exit
		}
		return fmt.Errorf("asking the doctor: %w", err)
	}
	if answer.OK {
		return nil
	}
	return fmt.Errorf("--conns %d does not fit: %s of the %s lets in %d; raise it with: %s (compare doctor --conns %d shows all limits)",
		conns, answer.First.Name, answer.First.Side, answer.Fits, answer.First.Fix, conns)
}
