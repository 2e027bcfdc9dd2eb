package results

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A Writer is one run folder in the making: a hidden sibling of the folder that
// Finish renames to its name, so a folder with that name is always whole. A
// process that dies leaves the sibling, which no later run trips over.
//
// A Writer is for one goroutine.
type Writer struct {
	dir, tmp string
	base     time.Time // interval starts are relative to it
	logs     map[string]*hlogFile
	series   *os.File
	csv      *csv.Writer
}

// hlogFile is an open interval log and what its intervals add up to.
type hlogFile struct {
	f                   *os.File
	w                   *bufio.Writer
	kept                []keptInterval
	count, below, above uint64
}

// A keptInterval waits to be written.
type keptInterval struct {
	start, length time.Duration
	values        sparse
}

// mostKept is how many intervals of a log are kept, so that a run without end
// does not grow without end.
const mostKept = 900

// Create starts the run folder dir. It makes parent folders, and reports an
// error if dir exists or cannot be written, before anything was measured.
func Create(dir string) (*Writer, error) {
	dir = filepath.Clean(dir)
	if err := vacant(dir); err != nil {
		return nil, fmt.Errorf("creating results: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("creating results: %w", err)
	}
	tmp := temporary(dir)
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return nil, fmt.Errorf("creating results: %w", err)
	}
	w := &Writer{dir: dir, tmp: tmp, base: time.Now(), logs: make(map[string]*hlogFile)}
	var err error
	w.series, err = os.OpenFile(filepath.Join(tmp, seriesFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		w.csv = csv.NewWriter(w.series)
		err = w.csv.Write(seriesColumns)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("creating results: %w", err), w.Abort())
	}
	return w, nil
}

// Dir is the folder's final name.
func (w *Writer) Dir() string { return w.dir }

// Begin sets the moment that interval starts are relative to, Run.Started; it
// is the moment of Create otherwise. It must come before the first Interval.
func (w *Writer) Begin(started time.Time) { w.base = started }

// Interval appends one interval to the log of a metric in a phase, which is
// named by HlogFile. start is since Run.Started. h is not kept. An interval
// without values may be left out.
func (w *Writer) Interval(phase, metric string, start, length time.Duration, h *Histogram) error {
	name := HlogFile(phase, metric)
	l := w.logs[name]
	if l == nil {
		if name != filepath.Base(name) {
			return fmt.Errorf("writing interval: %q is not a file name", name)
		}
		f, err := os.OpenFile(filepath.Join(w.tmp, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return fmt.Errorf("writing interval: %w", err)
		}
		l = &hlogFile{f: f, w: bufio.NewWriter(f)}
		w.logs[name] = l
		if err := writeHlogHeader(l.w, phase, metric, w.base); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	l.kept = append(l.kept, keptInterval{start, length, h.sparse()})
	l.count += h.Count()
	l.below += h.Below()
	l.above += h.Above()
	if len(l.kept) >= mostKept {
		return w.Flush()
	}
	return nil
}

// Flush writes the intervals that are kept. Call it when nothing is measured.
func (w *Writer) Flush() error {
	for name, l := range w.logs {
		for _, k := range l.kept {
			if err := writeHlogInterval(l.w, k.start, k.length, k.values.histogram()); err != nil {
				return fmt.Errorf("writing %s: %w", name, err)
			}
		}
		l.kept = nil
	}
	return nil
}

// Series appends one second to series.csv.
func (w *Writer) Series(row SeriesRow) error {
	if err := w.csv.Write(row.record()); err != nil {
		return fmt.Errorf("writing %s: %w", seriesFile, err)
	}
	return nil
}

// Finish writes run.json and bench.txt, makes everything durable and gives the
// folder its name. Run.Schema is filled in if empty.
//
// Call it after [Run.Judge]. A metric whose interval log does not hold what the
// metric says is a fatal finding that Finish adds itself, because only the
// Writer saw both. The Writer is not usable afterwards; on an error the
// temporary folder is kept, and the error names it.
func (w *Writer) Finish(run *Run) error {
	tmp := w.tmp
	w.tmp = "" // neither a second Finish nor Abort
	if err := w.finish(tmp, run); err != nil {
		return fmt.Errorf("finishing results (what was measured is in %s): %w", tmp, err)
	}
	return nil
}

func (w *Writer) finish(tmp string, run *Run) error {
	if run.Schema == "" {
		run.Schema = SchemaRun
	}
	if err := w.closeFiles(); err != nil {
		return err
	}
	w.compareTotals(run)
	data, err := encode(run)
	if err != nil {
		return err
	}
	if err := createWhole(filepath.Join(tmp, runFile), data); err != nil {
		return err
	}
	var bench bytes.Buffer
	if err := WriteBench(&bench, run); err != nil {
		return err
	}
	if err := createWhole(filepath.Join(tmp, benchFile), bench.Bytes()); err != nil {
		return err
	}
	if err := syncDir(tmp); err != nil {
		return err
	}
	if err := vacant(w.dir); err != nil {
		return err
	}
	if err := os.Rename(tmp, w.dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(w.dir))
}

// compareTotals adds a finding for each metric that its log does not add up to.
func (w *Writer) compareTotals(run *Run) {
	for i := range run.Phases {
		p := &run.Phases[i]
		for _, m := range p.Metrics {
			if m.File == "" {
				continue
			}
			var have hlogFile
			if l := w.logs[m.File]; l != nil {
				have = *l
			}
			if have.count == m.Count && have.below == m.Below && have.above == m.Above {
				continue
			}
			run.Findings = append(run.Findings, Finding{
				Severity: Fatal, Check: "histogram", Phase: p.Name,
				Text: fmt.Sprintf("%s: expected the intervals of %s to hold %d values (%d below range, %d above), found %d (%d, %d)",
					m.Name, m.File, m.Count, m.Below, m.Above, have.count, have.below, have.above),
			})
			run.Verdict = Invalid
		}
	}
}

// Abort removes what was written so far. After Finish it does nothing, so it
// can be deferred.
func (w *Writer) Abort() error {
	if w.tmp == "" {
		return nil
	}
	_ = w.closeFiles() // the files are removed whatever they hold
	err := os.RemoveAll(w.tmp)
	w.tmp = ""
	if err != nil {
		return fmt.Errorf("removing unfinished results: %w", err)
	}
	return nil
}

// closeFiles flushes, syncs and closes everything that is open, once.
func (w *Writer) closeFiles() error {
	errs := []error{w.Flush()}
	for name, l := range w.logs {
		if l.f == nil {
			continue
		}
		if err := errors.Join(l.w.Flush(), l.f.Sync(), l.f.Close()); err != nil {
			errs = append(errs, fmt.Errorf("writing %s: %w", name, err))
		}
		l.f = nil
	}
	if w.series != nil {
		w.csv.Flush()
		if err := errors.Join(w.csv.Error(), w.series.Sync(), w.series.Close()); err != nil {
			errs = append(errs, fmt.Errorf("writing %s: %w", seriesFile, err))
		}
		w.series = nil
	}
	return errors.Join(errs...)
}
