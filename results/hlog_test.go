package results

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// javaJar is where Debian's libhdrhistogram-java puts the reference
// implementation.
const javaJar = "/usr/share/java/hdrhistogram.jar"

// threeSeconds are intervals whose values are known: in second s the values
// s+1 us to 1000*(s+1) us in steps of s+1 us, one below the range and s above.
func threeSeconds() []Interval {
	var list []Interval
	for s := range 3 {
		h := NewHistogram()
		for i := 1; i <= 1000; i++ {
			h.Record(time.Duration(i*(s+1)) * time.Microsecond)
		}
		h.Record(time.Nanosecond)
		for range s {
			h.Record(time.Minute + time.Second)
		}
		list = append(list, Interval{Start: 5*time.Second + time.Duration(s)*time.Second, Length: time.Second, Histogram: h})
	}
	return list
}

func writeThreeSeconds(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	base := time.Date(2026, 11, 22, 10, 0, 0, 250e6, time.UTC)
	if err := writeHlogHeader(&b, "echo/window", MetricResponse, base); err != nil {
		t.Fatal(err)
	}
	for _, iv := range threeSeconds() {
		if err := writeHlogInterval(&b, iv.Start, iv.Length, iv.Histogram); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestHlogHasTheDocumentedLines(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(string(writeThreeSeconds(t)), "\n"), "\n")
	payload := regexp.MustCompile(`[A-Za-z0-9+/=]{20,}$`)
	for i, l := range lines {
		lines[i] = payload.ReplaceAllStringFunc(l, func(p string) string {
			raw, err := base64.StdEncoding.DecodeString(p)
			if err != nil || len(raw) < 4 || raw[0] != 0x1c || raw[1] != 0x84 || raw[2] != 0x93 || raw[3] != 0x14 {
				t.Errorf("line %d: the payload is not a compressed V2 encoding (cookie 0x1c849314)", i+1)
			}
			return "PAYLOAD"
		})
	}
	want := []string{
		"#[Histogram log format version 1.3]",
		"#[signalbench phase echo/window, metric response, values in ns, maximum in ms]",
		"#[StartTime: 1795341600.250 (seconds since epoch), 2026-11-22T10:00:00Z]",
		"#[BaseTime: 1795341600.250 (seconds since epoch)]",
		`"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`,
		"#[OutOfRange: 1 below, 0 above]",
		"5.000,1.000,1.000,PAYLOAD",
		"#[OutOfRange: 1 below, 1 above]",
		"6.000,1.000,2.001,PAYLOAD", // 2 ms as the upper end of its bucket
		"#[OutOfRange: 1 below, 2 above]",
		"7.000,1.000,3.000,PAYLOAD", // 3.000319 ms,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("interval log (-want +got):\n%s", diff)
	}
}

func TestHlogComesBack(t *testing.T) {
	var got []Interval
	if err := readHlog(bytes.NewReader(writeThreeSeconds(t)), func(iv Interval) error {
		got = append(got, iv)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := threeSeconds()
	if len(got) != len(want) {
		t.Fatalf("%d intervals, want %d", len(got), len(want))
	}
	for i, iv := range got {
		if iv.Start != want[i].Start || iv.Length != want[i].Length {
			t.Errorf("interval %d is at %v for %v, want %v for %v", i, iv.Start, iv.Length, want[i].Start, want[i].Length)
		}
		if diff := cmp.Diff(want[i].Histogram.Metric("m", ""), iv.Histogram.Metric("m", "")); diff != "" {
			t.Errorf("interval %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestHlogIsReadByTheGoLibrary reads our log with hdrhistogram-go's own reader.
func TestHlogIsReadByTheGoLibrary(t *testing.T) {
	r := hdrhistogram.NewHistogramLogReader(bytes.NewReader(writeThreeSeconds(t)))
	for i, want := range threeSeconds() {
		h, err := r.NextIntervalHistogram()
		if err != nil || h == nil {
			t.Fatalf("interval %d: %v, %v", i, h, err)
		}
		if !h.Equals(want.Histogram.hdr) {
			t.Errorf("interval %d differs", i)
		}
		start := int64(1795341600250) + want.Start.Milliseconds()
		if h.StartTimeMs() != start || h.EndTimeMs() != start+1000 {
			t.Errorf("interval %d is from %d to %d ms, want from %d for 1000 ms", i, h.StartTimeMs(), h.EndTimeMs(), start)
		}
	}
	if h, err := r.NextIntervalHistogram(); h != nil || err != nil {
		t.Errorf("after the last interval: %v, %v", h, err)
	}
}

// TestHlogAgreesWithJava compares our percentiles with those that the Java
// reference implementation's HistogramLogProcessor reads from a log of ours. Its
// output is in testdata; -update makes it anew, with Java and Debian's
// libhdrhistogram-java.
func TestHlogAgreesWithJava(t *testing.T) {
	logPath, outPath := filepath.Join("testdata", "threeseconds.hlog"), filepath.Join("testdata", "threeseconds.java")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(logPath, writeThreeSeconds(t), 0o644); err != nil {
			t.Fatal(err)
		}
		jar := javaJar
		if j := os.Getenv("HDRHISTOGRAM_JAR"); j != "" {
			jar = j
		}
		out := filepath.Join(t.TempDir(), "out")
		cmd := exec.Command("java", "-cp", jar, "org.HdrHistogram.HistogramLogProcessor", "-i", logPath, "-o", out, "-outputValueUnitRatio", "1")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		hgrm, err := os.ReadFile(out + ".hgrm")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(outPath, hgrm, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	merged, err := OpenHistogram("testdata", "threeseconds.hlog")
	if err != nil {
		t.Fatal(err)
	}
	java, err := os.ReadFile(outPath)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for s := bufio.NewScanner(bytes.NewReader(java)); s.Scan(); {
		f := strings.Fields(s.Text()) // value, percentile, total count, 1/(1-percentile)
		if len(f) < 3 || strings.HasPrefix(f[0], "#") || f[0] == "Value" {
			continue
		}
		value, err1 := strconv.ParseFloat(f[0], 64)
		q, err2 := strconv.ParseFloat(f[1], 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("Java's line %q", s.Text())
		}
		rows++
		// Java iterates over the levels of a spectrum and prints them with 12
		// digits; a rank on the edge may fall to the neighbouring value.
		if got := float64(merged.Quantile(q)); got < value*0.996 || got > value*1.004 {
			t.Errorf("quantile %v is %v ns, Java reads %v ns", q, got, value)
		}
	}
	if rows < 20 {
		t.Errorf("Java's output has %d rows:\n%s", rows, java)
	}
	for _, want := range []string{"Total count    =         3000"} {
		if !strings.Contains(string(java), want) {
			t.Errorf("Java's output does not say %q:\n%s", want, java[max(0, len(java)-400):])
		}
	}
	if merged.Count() != 3000 || merged.Below() != 3 || merged.Above() != 3 {
		t.Errorf("merged: %v, want 3000 in range, 3 below, 3 above", merged)
	}
}

func TestBadHlogIsRefusedWithItsLine(t *testing.T) {
	good := string(writeThreeSeconds(t))
	lines := strings.SplitAfter(good, "\n")
	other := hdrhistogram.New(1000, 1e9, 2)
	foreign, err := other.EncodeV2()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"cut within an interval", good[:len(good)-30], "line 11: the file ends within a line: it is truncated"},
		{"cut within the header", good[:10], "line 1: the file ends within a line"},
		{"a field less", strings.Replace(good, "6.000,1.000,", "6.000,", 1), "line 9: an interval has 4 fields, this line has 3"},
		{"no number", strings.Replace(good, "6.000,", "six,", 1), "line 9: interval start"},
		{"negative length", strings.Replace(good, "6.000,1.000,", "6.000,-1.000,", 1), "line 9: interval length: -1.000 s is out of range"},
		{"NaN", strings.Replace(good, "6.000,", "NaN,", 1), "line 9: interval start: NaN s is out of range"},
		{"payload spoiled", strings.Replace(lines[6], "PAYLOAD", "", 1)[:40] + "\n", "line 1: histogram: "},
		{"another geometry", "1.0,1.0,1.0," + string(foreign) + "\n", "line 1: histogram of 1000 to 1000000000 ns with 2 digits, this build reads 1 to 60000000000 ns with 3"},
		{"a tag alone", "Tag=x\n", "line 1: a tag and no interval"},
		{"out of range spoiled", "#[OutOfRange: many]\n", "line 1: out-of-range comment"},
	} {
		err := readHlog(strings.NewReader(c.text), func(Interval) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.hlog"), []byte(good[:len(good)-9]), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHistogram(dir, "bad.hlog"); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "bad.hlog")+": line 11") {
		t.Errorf("error %v does not name file and line", err)
	}
	for _, file := range []string{"../run.json", "/etc/passwd", "none.hlog"} {
		if _, err := OpenIntervals(dir, file); err == nil {
			t.Errorf("%s is opened", file)
		}
	}
}

// TestTaggedIntervalsAreRead: other tools may add a tag and write CRLF.
func TestTaggedIntervalsAreRead(t *testing.T) {
	lines := strings.Split(string(writeThreeSeconds(t)), "\n")
	n := 0
	if err := readHlog(strings.NewReader("Tag=A,"+lines[6]+"\r\n\r\n"), func(Interval) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("read %d intervals, %v", n, err)
	}
}

func FuzzHlog(f *testing.F) {
	good := writeThreeSeconds(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("#[OutOfRange: 1 below, 2 above]\nTag=a,1,2,3,HISTFAAAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all := NewHistogram()
		_ = readHlog(bytes.NewReader(data), func(iv Interval) error {
			if iv.Start < 0 || iv.Length < 0 {
				t.Errorf("interval at %v for %v", iv.Start, iv.Length)
			}
			all.Merge(iv.Histogram)
			all.Metric("m", "")
			var b bytes.Buffer
			return writeHlogInterval(&b, iv.Start, iv.Length, iv.Histogram)
		})
	})
}
