package results

import (
	"fmt"
	"os"
	"path/filepath"
)

// Open reads run.json of a run folder. A schema that this build does not know
// is a [SchemaError]; other errors name the file and where in it the fault is.
func Open(dir string) (*Run, error) {
	path := filepath.Join(dir, runFile)
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("opening run: %w", err)
	}
	run := new(Run)
	if err := decode(path, data, SchemaRun, run); err != nil {
		return nil, fmt.Errorf("opening run: %w", err)
	}
	return run, nil
}

// OpenIntervals reads an interval log of a run folder, in the order in which it
// was written. file is Metric.File.
func OpenIntervals(dir, file string) ([]Interval, error) {
	var list []Interval
	err := eachInterval(dir, file, func(iv Interval) error {
		list = append(list, iv)
		return nil
	})
	return list, err
}

// OpenHistogram reads an interval log of a run folder and merges its intervals.
func OpenHistogram(dir, file string) (*Histogram, error) {
	all := NewHistogram()
	err := eachInterval(dir, file, func(iv Interval) error {
		all.Merge(iv.Histogram)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func eachInterval(dir, file string, f func(Interval) error) error {
	if !filepath.IsLocal(file) {
		return fmt.Errorf("opening histogram: %q is not a file of the run", file)
	}
	path := filepath.Join(dir, file)
	r, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening histogram: %w", err)
	}
	defer r.Close()
	if err := readHlog(r, f); err != nil {
		return fmt.Errorf("opening histogram: %s: %w", path, err)
	}
	return nil
}

// OpenSeries reads series.csv of a run folder.
func OpenSeries(dir string) ([]SeriesRow, error) {
	path := filepath.Join(dir, seriesFile)
	r, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening series: %w", err)
	}
	defer r.Close()
	rows, err := readSeries(r)
	if err != nil {
		return nil, fmt.Errorf("opening series: %s: %w", path, err)
	}
	return rows, nil
}
