package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"signalbench/compare/internal/child"
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
	select {
	case <-p.Done():
	case <-s.ctx.Done():
		p.Stop(time.Second)
		return context.Cause(s.ctx)
	}
	var exit *child.ExitError
	if errors.As(p.Err(), &exit) && exit.Code > 0 {
		return &codeError{code: exit.Code} // it has said why
	}
	return p.Err()
}
