package main

import (
	"errors"

	"signalbench/results"
)

// reportCommand shows results that are there.
type reportCommand struct {
	Dir   string   `arg:"" name:"run" help:"Folder of a comparison or of a single run." type:"path"`
	Check []string `help:"Results with more connections: put what this one's slopes lead to expect beside what was measured there (repeatable)." placeholder:"RUN" type:"path" sep:"none"`
	Out   string   `help:"Folder for the report (default: beside the results)." placeholder:"DIR" type:"path"`
}

// Run renders the report again. An INVALID result is shown and is the exit code.
func (c *reportCommand) Run(s *session) error {
	out := c.Out
	if out == "" {
		out = c.Dir
	}
	verdict, err := show(s, c.Dir, out, c.Check...)
	if err != nil {
		return err
	}
	if verdict != results.Valid {
		return &codeError{codeInvalid, errors.New("INVALID: these figures must not be quoted, the findings say why")}
	}
	return nil
}
