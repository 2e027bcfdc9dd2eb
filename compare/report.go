package main

import (
	"errors"

	"signalbench/results"
)

// reportCommand shows results that are there.
type reportCommand struct {
	Dir       string   `arg:"" optional:"" name:"run" help:"Folder of a comparison or of a single run, or with --published one of many." type:"path"`
	Published bool     `help:"Write one page over all comparisons in the folders of RUN, by default results/published."`
	Check     []string `help:"Results with more connections: put what this one's slopes lead to expect beside what was measured there (repeatable)." placeholder:"RUN" type:"path" sep:"none"`
	Out       string   `help:"Folder for the report (default: beside the results)." placeholder:"DIR" type:"path"`
}

// Run renders the report again. An INVALID result is shown and is the exit code.
func (c *reportCommand) Run(s *session) error {
	if c.Published {
		if len(c.Check) > 0 || c.Out != "" {
			return errors.New("--published writes its page into the folder that it is about: --check and --out are for one comparison")
		}
		return writeIndex(s, c.Dir)
	}
	if c.Dir == "" {
		return errors.New("report of what? Name the folder of a comparison, or give --published")
	}
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
