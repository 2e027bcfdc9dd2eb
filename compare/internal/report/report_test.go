package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/fixture"
	"signalbench/compare/internal/report"
	"signalbench/results"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); run with -update if it should:\n%s", path, diff)
	}
}

// suites are the cases of the golden files, written once for all tests.
var suites = sync.OnceValue(func() map[string]*digest.Suite {
	mixed := fixture.Engines()
	mixed[0].Invalid = true
	mixed[1].Config = map[string]any{"outbox": "1024"}
	mixed[2].Name = "netpoll-desc"
	mixed[2].Lesson = []results.CaseResult{
		{Name: "glued-frame", Error: "timeout", Known: "reads only what readiness announces"},
		{Name: "slow-handshake", Error: "neighbour waited", Known: "the handshake blocks the one wait goroutine"},
	}
	list := map[string]*digest.Suite{}
	for name, of := range map[string]struct {
		repetitions int
		engines     []fixture.Engine
	}{
		"valid": {3, fixture.Lean(fixture.Engines())},
		"mixed": {1, mixed},
		"claim": {6, fixture.Lean(fixture.Engines()[1:])},
		"held":  {1, held(1000)},
		"rooms": {2, rooms()},
		"push":  {1, []fixture.Engine{{Name: "netpoll", RSS: 240, Echo: 300 * time.Microsecond, Lean: true, Push: true}}},
		// enough for its upgrades to be told apart by how many were held
		"ramped":    {1, []fixture.Engine{{Name: "netpoll", RSS: 240, Held: 24_000}}},
		"published": {1, held(1000)},
	} {
		dir := filepath.Join(folder, name)
		if name == "published" {
			fixture.Published(shared, dir, of.engines...)
		} else {
			fixture.Suite(shared, dir, of.repetitions, of.engines...)
		}
		s, err := digest.Open(dir)
		if err != nil {
			shared.Fatal(err)
		}
		list[name] = s
	}
	return list
})

// held are engines that only hold so many connections.
func held(conns int) []fixture.Engine {
	engines := fixture.Lean(fixture.Engines()[1:])
	for i := range engines {
		engines[i].Held = conns
	}
	return engines
}

// rooms are engines whose clients are in rooms.
func rooms() []fixture.Engine {
	engines := fixture.Lean(fixture.Engines()[1:])
	for i := range engines {
		engines[i].Rooms = true
	}
	return engines
}

// folder holds the suites, and shared reports what goes wrong with them.
var (
	folder string
	shared testing.TB
	once   sync.Once
)

func open(t *testing.T) map[string]*digest.Suite {
	t.Helper()
	once.Do(func() { shared = t })
	return suites()
}

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "signalbench-report-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

func TestGolden(t *testing.T) {
	if raceEnabled {
		t.Skip("nothing in it is concurrent, and its figures are slow to draw")
	}
	t.Parallel()
	for name, s := range open(t) {
		var text, md bytes.Buffer
		if err := errors.Join(report.Text(&text, s), report.Markdown(&md, s)); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", text.Bytes())
		golden(t, name+".md", md.Bytes())
	}
}

// The page must work from a disk without a network, and be well-formed.
func TestHTMLIsSelfContained(t *testing.T) {
	if raceEnabled {
		t.Skip("nothing in it is concurrent, and its figures are slow to draw")
	}
	t.Parallel()
	outside := regexp.MustCompile(`(?i)(src|href)\s*=\s*"[^#"]|url\(|@import|<script|<link`)
	for name, s := range open(t) {
		figures, err := report.Figures(s)
		if err != nil {
			t.Fatal(err)
		}
		want := 5
		switch name { // memory, upgrade, heartbeat, connections, ramp, and the machine of each engine
		case "held", "published":
			want = 7
		case "ramped":
			want = 6
		case "push": // memory, upgrade, pushed
			want = 3
		case "rooms": // memory, response, course, upgrade, relayed, joined, reached, deliveries, back, beside
			want = 10
		}
		if len(figures) != want {
			t.Errorf("%s: %d figures, want %d", name, len(figures), want)
		}
		var page bytes.Buffer
		if err := report.HTML(&page, s, figures); err != nil {
			t.Fatal(err)
		}
		for _, f := range figures {
			if n := strings.Count(page.String(), `<figure id="figure-`+f.ID+`"`); n != 1 {
				t.Errorf("%s: figure %s stands in the page %d times", name, f.ID, n)
			}
		}
		if at := outside.FindIndex(page.Bytes()); at != nil {
			t.Errorf("%s: the page refers outside: %.80s", name, page.Bytes()[at[0]:])
		}
		for _, f := range figures {
			wellFormed(t, name+"/"+f.ID, f.Standalone())
		}
		text := page.String()
		for _, a := range s.Arms {
			if !strings.Contains(text, `<td class="text">`+a.Name+"</td>") {
				t.Errorf("%s: no row for %s", name, a.Name)
			}
		}
		if !strings.Contains(text, "<strong>"+string(s.Verdict)+"</strong>") {
			t.Errorf("%s: the page does not show the verdict %s", name, s.Verdict)
		}
	}
}

func wellFormed(t *testing.T, name string, doc []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}

// A projection is put beside what was measured with more connections.
func TestLarger(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "larger")
	fixture.Suite(t, dir, 1, held(4000)[1])
	larger, err := digest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var without, with bytes.Buffer
	if err := errors.Join(report.Markdown(&without, open(t)["held"]), report.Markdown(&with, open(t)["held"], larger)); err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`\| netpoll \| ` + larger.ID + ` \| 1,000 \| 4,000 \|`)
	if row.Match(without.Bytes()) || !row.Match(with.Bytes()) {
		t.Errorf("the check against the larger run is in\n%s", with.String())
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	s, dir := open(t)["mixed"], t.TempDir()
	for range 2 { // over those of an earlier report
		if err := report.Write(dir, s); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{report.MarkdownFile, report.HTMLFile, "figures/memory.svg", "figures/response.svg"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", ".*.tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A figure that nobody measured has no number anywhere.
func TestNotFoundHasNoNumber(t *testing.T) {
	t.Parallel()
	s := open(t)["published"]
	var text, md, page bytes.Buffer
	if err := errors.Join(report.Text(&text, s), report.Markdown(&md, s), report.HTML(&page, s, nil)); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]string{"text": text.String(), "Markdown": md.String(), "HTML": page.String()} {
		if strings.Contains(b, "777") {
			t.Errorf("%s: the number of a figure that was not found is printed", name)
		}
		if !strings.Contains(b, "claimed, no measurement") {
			t.Errorf("%s: nothing says that no measurement was published", name)
		}
	}
	if at := strings.Index(md.String(), "## "); !strings.HasPrefix(md.String()[at:], "## Published beside measured") {
		t.Errorf("the first section is %.40q", md.String()[at:])
	}
}
