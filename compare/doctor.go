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
	"signalbench/compare/internal/peers"
)

// doctorCommand asks the load generator, which knows the limits of both sides,
// about the processes that a run of the same size would start.
type doctorCommand struct {
	Conns   int      `help:"Connections that are wanted." default:"10000" placeholder:"N"`
	Engines []string `help:"Engines that are to hold them, one at a time; the one that takes the most memory counts. All but the lessons by default." placeholder:"NAME,..."`
	Peers   []string `help:"Servers in other languages that are to hold them." placeholder:"NAME,..."`
	JSON    bool     `name:"json" xor:"form" help:"Answer in JSON."`
	Sysctl  bool     `xor:"form" help:"Answer with the kernel settings that are too low alone, in the form of sysctl.conf."`
	Bin     string   `help:"Folder with ready binaries server and loadgen, instead of building them." placeholder:"DIR" type:"path"`
}

// Run hands the load generator's answer and exit code on.
func (c *doctorCommand) Run(s *session) error {
	bin, err := binaries(s, c.Bin)
	if err != nil {
		return err
	}
	defer bin.Close() // a temporary folder; nothing is lost if it stays
	arms, err := c.arms(s.ctx, bin.Server)
	if err != nil {
		return err
	}
	shards, err := orchestrate.Shards(c.Conns)
	if err != nil {
		return err
	}
	if len(c.Peers) > 0 {
		shards = 1 // each is one process, whose limits are to be told
	}
	args := doctorArgs(c.Conns, shards, arms, true)
	switch {
	case c.JSON:
		args = append(args, "--json")
	case c.Sysctl:
		args = append(args, "--sysctl")
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

// arms lists who is to hold the connections. Peers need not be installed.
func (c *doctorCommand) arms(ctx context.Context, server string) ([]orchestrate.Arm, error) {
	var arms []orchestrate.Arm
	for _, name := range c.Peers {
		p, err := peers.Find(name)
		if err != nil {
			return nil, err
		}
		arms = append(arms, orchestrate.Arm{Name: p.Name, IdleBytes: p.IdleBytes})
	}
	if len(arms) > 0 && len(c.Engines) == 0 {
		return arms, nil
	}
	list, err := listEngines(ctx, server)
	if err != nil {
		return nil, err
	}
	engines, err := choose(list, c.Engines)
	return append(arms, engines...), err
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

// dearest is what an idle connection takes in that server of all which takes
// most; 0 if none is known.
func dearest(arms []orchestrate.Arm) int {
	most := 0
	for _, a := range arms {
		most = max(most, a.IdleBytes)
	}
	return most
}

// doctorArgs asks about conns connections to a server of so many processes, or
// of as many descriptor tables if all arms can have them.
func doctorArgs(conns, shards int, arms []orchestrate.Arm, serverHere bool) []string {
	parts := "--server-tables"
	for _, a := range arms {
		if !a.OwnTables {
			parts = "--shards"
		}
	}
	args := []string{"doctor", "--conns", strconv.Itoa(conns), parts, strconv.Itoa(shards), "--destinations", strconv.Itoa(shards)}
	if idleBytes := dearest(arms); idleBytes > 0 {
		args = append(args, fmt.Sprintf("--server-bytes=%dB", idleBytes))
	}
	if !serverHere {
		args = append(args, "--client-only")
	}
	return args
}

// fits asks the doctor before anything is measured: a comparison that runs into
// a limit would do so in every step.
func fits(ctx context.Context, loadgen string, load orchestrate.Load, shards int, arms []orchestrate.Arm, serverHere bool) error {
	a, err := ask(ctx, loadgen, doctorArgs(load.Conns, shards, arms, serverHere))
	if err != nil {
		return err
	}
	if !a.OK {
		return fmt.Errorf("--conns %d: %s", load.Conns, a.Refusal)
	}
	return nil
}

// An answer is what the doctor says, as far as it matters here.
type answer struct {
	OK      bool   `json:"ok"`
	Fits    int64  `json:"fits"`   // connections
	Raised  int64  `json:"raised"` // connections, once every setting is high enough
	Refusal string `json:"refusal"`
	First   *limit `json:"first"` // what bites first; nil if nothing does
}

// A limit is one that the doctor knows.
type limit struct {
	Name     string `json:"name"`
	What     string `json:"what"`
	Fix      string `json:"fix"`
	Physical bool   `json:"physical"`
	Settings []struct {
		Name string `json:"name"`
	} `json:"settings"`
}

// ask has the doctor answer in JSON.
func ask(ctx context.Context, loadgen string, args []string) (answer, error) {
	var out bytes.Buffer
	p, err := child.Start(child.Spec{Path: loadgen, Args: append(args, "--json"), Stdout: &out})
	if err != nil {
		return answer{}, err
	}
	if err := wait(ctx, p); err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		if exit := p.Err(); exit != nil {
			err = exit
		}
		return answer{}, fmt.Errorf("asking the doctor: %w", err)
	}
	return a, nil
}
