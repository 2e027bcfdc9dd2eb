package results

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// An interval log (.hlog) is text in version 1.3 of the HdrHistogram log
// format, as HistogramLogWriter of the Java library documents it: comments that
// start with '#', one legend line, then one line per interval with start and
// length in seconds, the interval's maximum in milliseconds, and the histogram
// as base64 of the V2 compressed encoding. Starts are relative to the base time.
//
// Values outside the histogram's range stand in a comment of our own before
// their interval, which other tools skip:
//
//	#[OutOfRange: 3 below, 1 above]
const (
	hlogLegend = `"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`
	// maxHlogLine bounds a line: a full histogram of 27,648 counters of 9 bytes
	// is 332 KB in base64.
	maxHlogLine = 1 << 20
)

// An Interval is one line of an interval log.
type Interval struct {
	Start     time.Duration // since Run.Started
	Length    time.Duration
	Histogram *Histogram
}

// HlogFile is the name of the interval log of a metric in a phase:
// "echo/window" and "response" give "echo-window.response.hlog".
func HlogFile(phase, metric string) string {
	return strings.ReplaceAll(phase, "/", "-") + "." + metric + ".hlog"
}

func writeHlogHeader(w io.Writer, phase, metric string, base time.Time) error {
	secs := float64(base.UnixMilli()) / 1000
	_, err := fmt.Fprintf(w, "#[Histogram log format version %s]\n#[signalbench phase %s, metric %s, values in ns, maximum in ms]\n#[StartTime: %.3f (seconds since epoch), %s]\n#[BaseTime: %.3f (seconds since epoch)]\n%s\n",
		hdrhistogram.HISTOGRAM_LOG_FORMAT_VERSION, phase, metric, secs, base.UTC().Format(time.RFC3339), secs, hlogLegend)
	return err
}

func writeHlogInterval(w io.Writer, start, length time.Duration, h *Histogram) error {
	payload, err := h.hdr.EncodeV2()
	if err != nil {
		return fmt.Errorf("encoding histogram: %w", err)
	}
	if h.below > 0 || h.above > 0 {
		if _, err := fmt.Fprintf(w, "#[OutOfRange: %d below, %d above]\n", h.below, h.above); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "%.3f,%.3f,%.3f,%s\n", start.Seconds(), length.Seconds(), h.Max().Seconds()*1e3, payload)
	return err
}

// readHlog gives each interval to f in order. It is stricter than the reader of
// the Go library, which skips what it does not understand: a line that is
// neither a comment, the legend nor an interval is an error that names the line.
func readHlog(r io.Reader, f func(Interval) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxHlogLine)
	s.Split(wholeLines)
	var below, above uint64
	line := 0
	for s.Scan() {
		line++
		text := s.Text()
		switch {
		case strings.HasPrefix(text, "#[OutOfRange:"):
			if _, err := fmt.Sscanf(text, "#[OutOfRange: %d below, %d above]", &below, &above); err != nil {
				return fmt.Errorf("line %d: out-of-range comment: %w", line, err)
			}
		case text == "", text[0] == '#', text[0] == '"':
		default:
			iv, err := parseInterval(text)
			if err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			iv.Histogram.below, iv.Histogram.above = below, above
			below, above = 0, 0
			if err := f(iv); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("line %d: %w", line+1, err)
	}
	return nil
}

var errCutLine = errors.New("the file ends within a line: it is truncated")

// wholeLines splits at line ends and refuses a last line without one.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, bytes.TrimSuffix(data[:i], []byte{'\r'}), nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errCutLine
	}
	return 0, nil, nil
}

func parseInterval(line string) (Interval, error) {
	if rest, ok := strings.CutPrefix(line, "Tag="); ok {
		if _, line, ok = strings.Cut(rest, ","); !ok {
			return Interval{}, errors.New("a tag and no interval")
		}
	}
	fields := strings.Split(line, ",")
	if len(fields) != 4 {
		return Interval{}, fmt.Errorf("an interval has 4 fields, this line has %d", len(fields))
	}
	start, err := parseSeconds(fields[0])
	if err != nil {
		return Interval{}, fmt.Errorf("interval start: %w", err)
	}
	length, err := parseSeconds(fields[1])
	if err != nil {
		return Interval{}, fmt.Errorf("interval length: %w", err)
	}
	hdr, err := hdrhistogram.Decode([]byte(fields[3]))
	if err != nil {
		return Interval{}, fmt.Errorf("histogram: %w", err)
	}
	if hdr.LowestTrackableValue() != unit || hdr.HighestTrackableValue() != int64(HighestValue) || hdr.SignificantFigures() != digits {
		return Interval{}, fmt.Errorf("histogram of %d to %d ns with %d digits, this build reads %d to %d ns with %d",
			hdr.LowestTrackableValue(), hdr.HighestTrackableValue(), hdr.SignificantFigures(), unit, int64(HighestValue), digits)
	}
	return Interval{Start: start, Length: length, Histogram: histogramOf(hdr)}, nil
}

// parseSeconds reads decimal seconds of at most a hundred years, rounded to
// milliseconds, which is what the format carries.
func parseSeconds(s string) (time.Duration, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, err
	}
	if !(v >= 0 && v < 100*365*24*3600) {
		return 0, fmt.Errorf("%s s is out of range", s)
	}
	return time.Duration(math.Round(v*1e3)) * time.Millisecond, nil
}
