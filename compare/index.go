package main

import (
	"fmt"
	"os"
	"path/filepath"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/report"
)

// publishedFolder is where runs are that are kept with the code.
var publishedFolder = filepath.Join("results", "published")

// writeIndex writes one page over all results in the folders of dir.
func writeIndex(s *session, dir string) error {
	if dir == "" {
		dir = publishedFolder
	}
	folders, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for results: %w", err)
	}
	var suites []*digest.Suite
	for _, f := range folders {
		at := filepath.Join(dir, f.Name())
		if _, err := os.Stat(filepath.Join(at, "suite.json")); err != nil {
			continue // no comparison, or a file
		}
		suite, err := digest.Open(at)
		if err != nil {
			return err
		}
		suites = append(suites, suite)
	}
	if len(suites) == 0 {
		return fmt.Errorf("no folder in %s holds a suite (suite.json)", dir)
	}
	if err := report.WriteIndex(dir, suites); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.stdout, "%d results: %s\n", len(suites), filepath.Join(dir, report.IndexHTML))
	return err
}
