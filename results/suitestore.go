package results

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// WriteSuite writes suite.json and then bench.txt, the benchmark lines of every
// step that has a run, into the suite's folder, which it makes if needed. Each
// file is replaced whole, so a suite may be written after every step.
// Suite.Schema is filled in if empty.
func WriteSuite(dir string, s *Suite) error {
	if s.Schema == "" {
		s.Schema = SchemaSuite
	}
	data, err := encode(s)
	if err != nil {
		return fmt.Errorf("writing suite: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing suite: %w", err)
	}
	if err := replaceWhole(filepath.Join(dir, suiteFile), data); err != nil {
		return fmt.Errorf("writing suite: %w", err)
	}
	var runs []*Run
	for _, step := range s.Steps {
		if step.Dir == "" {
			continue
		}
		run, err := Open(filepath.Join(dir, step.Dir))
		if err != nil {
			return fmt.Errorf("writing suite: %w", err)
		}
		runs = append(runs, run)
	}
	var bench bytes.Buffer
	if err := WriteBench(&bench, runs...); err != nil {
		return fmt.Errorf("writing suite: %w", err)
	}
	if err := replaceWhole(filepath.Join(dir, benchFile), bench.Bytes()); err != nil {
		return fmt.Errorf("writing suite: %w", err)
	}
	return nil
}

// OpenSuite reads suite.json of a suite's folder; errors are like those of
// [Open]. Runs are opened apart, by Step.Dir.
func OpenSuite(dir string) (*Suite, error) {
	path := filepath.Join(dir, suiteFile)
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("opening suite: %w", err)
	}
	s := new(Suite)
	if err := decode(path, data, SchemaSuite, s); err != nil {
		return nil, fmt.Errorf("opening suite: %w", err)
	}
	for _, step := range s.Steps {
		if step.Dir != "" && !filepath.IsLocal(step.Dir) {
			return nil, fmt.Errorf("opening suite: %s: step folder %q is outside of the suite", path, step.Dir)
		}
	}
	return s, nil
}
