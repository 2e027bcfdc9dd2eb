package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBadRunFilesAreRefusedWithAReason(t *testing.T) {
	good, err := encode(sampleRun())
	if err != nil {
		t.Fatal(err)
	}
	text := string(good)
	at := strings.Index(text, `"conns": 10`)
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"the file ends at byte 0 within a value: it is truncated"}},
		{"truncated", text[:len(text)/2], []string{fmt.Sprintf("the file ends at byte %d within a value: it is truncated", len(text)/2)}},
		{"not JSON", "run: yes\n", []string{"at byte 1 (line 1)"}},
		{"garbage in the middle", text[:at] + "\x00" + text[at+1:], []string{fmt.Sprintf("at byte %d (line %d)", at+1, 1+strings.Count(text[:at], "\n"))}},
		{"garbage behind", text + "{}", []string{fmt.Sprintf("at byte %d", len(text)+1)}},
		{"newer schema", strings.Replace(text, SchemaRun, "signalbench.run/v2", 1),
			[]string{`schema "signalbench.run/v2" is not known to this build, which reads "signalbench.run/v1"`}},
		{"newer schema with new fields", `{"schema":"signalbench.run/v9","spec":7}`, []string{`schema "signalbench.run/v9" is not known`}},
		{"a suite", `{"schema":"signalbench.suite/v1"}`, []string{`schema "signalbench.suite/v1" is not known`}},
		{"no schema", `{"id":"x"}`, []string{"the file names no schema"}},
		{"no object", `[]`, []string{"cannot unmarshal array"}},
		{"unknown field", strings.Replace(text, `"label"`, `"lable"`, 1), []string{`unknown field "lable"`}},
		{"wrong type", strings.Replace(text, `"conns": 10`, `"conns": "ten"`, 1), []string{"at byte", "cannot unmarshal string", "conns"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, runFile)
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir)
			if err == nil {
				t.Fatal("opened")
			}
			for _, want := range append(c.want, "opening run: "+path+": ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestUnknownSchemaCanBeToldApart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, runFile), []byte(`{"schema":"x/v2"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir)
	var schema *SchemaError
	if !errors.As(err, &schema) || schema.Have != "x/v2" || schema.Want != SchemaRun {
		t.Errorf("error %v is no SchemaError of x/v2", err)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder without run.json: %v", err)
	}
}

func TestBadSeriesIsRefusedWithItsLine(t *testing.T) {
	head := strings.Join(seriesColumns, ",") + "\n"
	row := "1,ramp,2,3,4,5.5,6,7,8,9,10,11,0.5,1.5,12\n"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "the file is empty"},
		{"other columns", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o\n", "line 1: columns"},
		{"fewer columns", "at_ns,phase\n", "wrong number of fields"},
		{"short row", head + row + "1,ramp\n", "line 3"},
		{"no number", head + row + strings.Replace(row, "5.5", "fast", 1), `line 3: column sent_per_s: strconv.ParseFloat: parsing "fast"`},
		{"cut", head + row[:9], "wrong number of fields"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, seriesFile), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSeries(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), seriesFile) {
			t.Errorf("%s: error %v, want %q and the file's name", c.name, err, c.want)
		}
	}
	rows, err := readSeries(strings.NewReader(head + row))
	want := []SeriesRow{{
		At: 1, Phase: "ramp", Connected: 2, Pending: 3, Failed: 4, Sent: 5.5, Received: 6, P50: 7, P99: 8, LagP99: 9,
		ServerRSS: 10, ClientRSS: 11, ServerCPU: 0.5, ClientCPU: 1.5, TCPMem: 12,
	}}
	if diff := cmp.Diff(want, rows); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got := strings.Join(rows[0].record(), ",") + "\n"; got != row {
		t.Errorf("written back as %q, want %q", got, row)
	}
}

func TestSuiteComesBackAsItWasWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "suite")
	want := &Suite{
		ID: "s1", Title: "echo", Started: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Env: Env{Kernel: "6.18"},
		Arms:  []Arm{{Name: "netpoll", Conformance: Conformance{Passed: 40, Failed: []CaseResult{{Name: "x", Error: "y", Known: "z"}}}}},
		Steps: []Step{{Arm: "netpoll", Repetition: 1, Dir: "netpoll-1", Verdict: Valid}, {Arm: "netpoll", Repetition: 2, Error: "the server did not start"}},
	}
	writeRun(t, filepath.Join(dir, "netpoll-1"))
	for range 2 { // a suite is written after every step
		if err := WriteSuite(dir, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := OpenSuite(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.Schema != SchemaSuite {
		t.Errorf("schema is %q", got.Schema)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("suite.json (-written +read):\n%s", diff)
	}
	onlyEntry(t, dir, benchFile, "netpoll-1", suiteFile)
	bench, err := os.ReadFile(filepath.Join(dir, benchFile))
	if err != nil || !strings.Contains(string(bench), "BenchmarkEcho/") {
		t.Errorf("bench.txt is %q, %v", bench, err)
	}
}

func TestBadSuitesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"newer", `{"schema":"signalbench.suite/v2"}`, `schema "signalbench.suite/v2" is not known`},
		{"truncated", `{"schema":"signalbench.suite/v1","arms":[`, "it is truncated"},
		{"unknown field", `{"schema":"signalbench.suite/v1","arm":[]}`, `unknown field "arm"`},
		{"step outside", `{"schema":"signalbench.suite/v1","steps":[{"dir":"../../etc"}]}`, `"../../etc" is outside of the suite`},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, suiteFile), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSuite(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), suiteFile) {
			t.Errorf("%s: error %v, want %q and the file's name", c.name, err, c.want)
		}
	}
	dir := t.TempDir()
	if err := WriteSuite(dir, &Suite{Steps: []Step{{Dir: "missing"}}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a step without its run: %v", err)
	}
}

// FuzzRun: whatever run.json holds, Open ends with a run or an error, and a run
// that was opened can be judged, fitted and written as benchmark lines.
func FuzzRun(f *testing.F) {
	good, err := encode(sampleRun())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/3])
	f.Add([]byte(`{"schema":"signalbench.run/v1","ledger":{"readings":[{"kind":"settled","conns":1},{"kind":"settled","conns":2}]}}`))
	f.Add([]byte(`{"schema":"signalbench.run/v1","phases":[{"kind":"window","model":"open","length_ns":1,"metrics":[{"name":"lag","count":9}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run := new(Run)
		if decode("run.json", data, SchemaRun, run) != nil {
			return
		}
		run.Judge(DefaultLimits())
		if run.Ledger != nil {
			FitLedger(run.Ledger)
		}
		if err := WriteBench(discard{}, run); err != nil {
			t.Error(err)
		}
	})
}

func FuzzSuite(f *testing.F) {
	f.Add([]byte(`{"schema":"signalbench.suite/v1","steps":[{"arm":"a","repetition":1,"dir":"a-1"}]}`))
	f.Add([]byte(`{"schema":"signalbench.suite/v1","arms":[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := new(Suite)
		if decode("suite.json", data, SchemaSuite, s) != nil {
			return
		}
		if _, err := encode(s); err != nil {
			t.Error(err)
		}
	})
}

func FuzzSeries(f *testing.F) {
	f.Add(strings.Join(seriesColumns, ",") + "\n1,ramp,2,3,4,5.5,6,7,8,9,10,11,0.5,1.5,12\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := readSeries(strings.NewReader(text))
		if err == nil && len(rows) > len(text) {
			t.Errorf("%d rows of %d bytes", len(rows), len(text))
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
