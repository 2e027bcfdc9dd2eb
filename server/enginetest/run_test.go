package enginetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbench/results"
	"signalbench/server/engine"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestNames holds that names are stable handles and that each case says what it expects.
func TestNames(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+/[a-z0-9.]+(-[a-z0-9.]+)*$`)
	seen := make(map[string]bool)
	check := func(n, section, doc string) {
		if !name.MatchString(n) {
			t.Errorf("%q is not kebab-case behind its group", n)
		}
		if seen[n] {
			t.Errorf("%q is there twice", n)
		}
		seen[n] = true
		if section == "" || !strings.HasSuffix(doc, ".") {
			t.Errorf("%q: section %q, doc %q", n, section, doc)
		}
	}
	for _, c := range Cases() {
		check(c.Name, c.Section, c.Doc)
	}
	for _, c := range EntryCases() {
		check(c.Name, c.Section, c.Doc)
	}
}

// TestJudge lists what becomes of the error of a case.
func TestJudge(t *testing.T) {
	known := []engine.KnownFailure{{Case: "a", Why: "a reason"}}
	for _, v := range []struct {
		name  string
		err   error
		known []engine.KnownFailure
		want  Result
	}{
		{"passed", nil, nil, Result{Outcome: Passed}},
		{"passed with a note", Leniency("takes it"), nil, Result{Outcome: Passed, Note: "takes it"}},
		{"failed", errors.New("wrong"), nil, Result{Outcome: Failed, Note: "wrong"}},
		{"failed as known", errors.New("wrong"), known, Result{Outcome: Failed, Note: "wrong", Known: "a reason"}},
		{"passed against the list", nil, known, Result{Outcome: Failed, Note: "it passes, though it is listed as a known failure: take it off the list"}},
		{"passed with a note against the list", Leniency("takes it"), known, Result{Outcome: Failed, Note: "it passes, though it is listed as a known failure: take it off the list"}},
	} {
		got := Result{Name: "a"}
		got.judge(v.err, v.known)
		v.want.Name = "a"
		if d := cmp.Diff(v.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", v.name, d)
		}
	}
}

// TestRefusedOptions lists what Run does not begin with.
func TestRefusedOptions(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "ws://" + l.Addr().String() + "/echo"
	l.Close()
	for _, v := range []struct {
		url  string
		o    Options
		want string
	}{
		{"http://127.0.0.1:1/", Options{}, `has the scheme "http", want ws or wss`},
		{"ws:///echo", Options{}, "has no host"},
		{"ws://%zz", Options{}, "reading the target's URL"},
		{nobody, Options{}, "connection refused"},
		{nobody, Options{Filter: "("}, "reading the filter"},
		{nobody, Options{Filter: "no-such-case"}, `no case matches the filter "no-such-case"`},
		{nobody, Options{Known: []engine.KnownFailure{{Case: "frame/renamed"}}}, `names "frame/renamed", which is no case of the kit`},
	} {
		_, err := Run(t.Context(), Target{URL: v.url}, v.o)
		if err == nil || !strings.Contains(err.Error(), v.want) {
			t.Errorf("%s with %+v: got %v, want %q in it", v.url, v.o, err, v.want)
		}
	}
}

// TestEndpoint lists how a URL is taken apart.
func TestEndpoint(t *testing.T) {
	for url, want := range map[string]endpoint{
		"ws://host":                 {addr: "host:80", host: "host", field: "host", path: "/"},
		"wss://host/echo?a=1":       {secure: true, addr: "host:443", host: "host", field: "host", path: "/echo?a=1"},
		"ws://127.0.0.1:8080/a%20b": {addr: "127.0.0.1:8080", host: "127.0.0.1", field: "127.0.0.1:8080", path: "/a%20b"},
		"ws://[::1]:8080/echo":      {addr: "[::1]:8080", host: "::1", field: "[::1]:8080", path: "/echo"},
	} {
		target := Target{URL: url}
		got, err := target.endpoint()
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", url, got, err, want)
		}
	}
}

func exampleReport() *Report {
	return &Report{URL: "ws://127.0.0.1:8080/echo", Elapsed: 1234567 * time.Microsecond, Results: []Result{
		{Name: "frame/two-in-a-segment", Section: "RFC 6455 5.2", Outcome: Passed},
		{Name: "frame/length-not-minimal", Section: "RFC 6455 5.2", Outcome: Passed, Note: "takes a length of 5 B written in 16 bits"},
		{Name: "utf8/invalid-byte-ff", Section: "RFC 6455 8.1", Outcome: Failed, Note: `expected close 1007, got text of 6 B "bad: \xff"`},
		{Name: "crowd/300-byte-at-a-time", Section: "robustness", Outcome: Failed, Note: "expected an answer, got nothing in time", Known: "the loop waits for each client"},
		{Name: "timeout/silence", Section: "robustness", Outcome: Skipped, Note: "the read timeout is not known"},
	}}
}

// TestReportText holds the table against its golden file.
func TestReportText(t *testing.T) {
	var got bytes.Buffer
	if err := exampleReport().WriteText(&got); err != nil {
		t.Fatal(err)
	}
	const file = "testdata/report.golden"
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestReportJSON holds that a report is read as what a run carries.
func TestReportJSON(t *testing.T) {
	text, err := json.Marshal(exampleReport())
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var got results.Conformance
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := results.Conformance{Passed: 2, Skipped: 1, Failed: []results.CaseResult{
		{Name: "utf8/invalid-byte-ff", Error: `expected close 1007, got text of 6 B "bad: \xff"`},
		{Name: "crowd/300-byte-at-a-time", Error: "expected an answer, got nothing in time", Known: "the loop waits for each client"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestUnexpected holds that only what nobody knew of stops a caller.
func TestUnexpected(t *testing.T) {
	bad := exampleReport().Unexpected()
	if len(bad) != 1 || bad[0].Name != "utf8/invalid-byte-ff" {
		t.Errorf("got %+v, want utf8/invalid-byte-ff alone", bad)
	}
}
