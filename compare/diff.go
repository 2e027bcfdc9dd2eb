package main

import (
	"errors"
	"fmt"

	"signalbench/compare/internal/diff"
	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/sections"
)

// diffCommand compares two results.
type diffCommand struct {
	Before       string  `arg:"" name:"old" help:"Folder of a comparison or of a single run." type:"path"`
	After        string  `arg:"" name:"new" help:"The one to judge." type:"path"`
	FailOver     percent `help:"Exit with 1 if something became worse by more than this, significantly." default:"5%" placeholder:"PERCENT"`
	AllowInvalid bool    `help:"Compare INVALID results too."`
}

// Run compares and fails on a regression.
func (c *diffCommand) Run(s *session) error {
	var sides [2]*digest.Suite
	for i, dir := range []string{c.Before, c.After} {
		d, err := digest.Open(dir)
		if err != nil {
			return err
		}
		if err := diff.Check(d); err != nil {
			if !c.AllowInvalid {
				return &codeError{codeInvalid, fmt.Errorf("%w\nit is not compared without --allow-invalid", err)}
			}
			fmt.Fprintln(s.stderr, "compare: warning:", err)
		}
		sides[i] = d
	}
	result, err := diff.Compare(sides[0], sides[1], float64(c.FailOver))
	if err != nil {
		return err
	}
	if err := sections.Diff(result, c.Before, c.After, float64(c.FailOver)).WriteText(s.stdout); err != nil {
		return err
	}
	if n := result.Worse(); n > 0 {
		return &codeError{codeFailed, errors.New(plural(n, "quantity is", "quantities are") + " worse by more than " + format.Percent(float64(c.FailOver)))}
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
