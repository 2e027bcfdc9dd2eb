package scenario

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"signalbench/results"
)

// published is every figure that a publication has, with its mark, in the words of
// its text. A scenario may have further ones, which were not found or follow from
// these.
var published = map[string][]string{
	"goroutines-10m": {
		"primary: ~100 GB", "primary: \"half used\" at GOGC=100", "derived: ~10 KB", "primary: 10 %", "primary: ~30,000/s", "primary: every 5 minutes",
		"derived: 243,565 in 38 s", "derived: ~6,400/s", "primary: 0.32 ms", "primary: 0.53 ms", "primary: nf_conntrack: table full",
		"primary: 262,138", "primary: failed=26624", "primary: too many orphaned sockets",
	},
	"phoenix-2m": {
		"primary: 83,765 of 128,906 MB", "derived: ~43.6 KB", "derived: 0 to 2M in ~450 s", "primary: more than 5 s", "primary: 1-2 s",
		"primary: 1 s", "primary: 0-1 %", "derived: 50,000/s",
	},
	"mailru-3m": {
		"primary: 24 KB", "primary: two goroutines 8 KB", "primary: read buffer 4 KB", "primary: write buffer 4 KB", "primary: net/http's pair 8 KB",
		"primary: 72 GB", "primary: 48 GB", "primary: 24 GB", "primary: 5156 ns", "primary: 8576 B", "primary: 9", "primary: 973 ns", "primary: 0 B",
		"primary: 0", "primary: 8 KB at GOGC=75", "derived: 8 KB", "derived: 0 KB",
	},
	"greta-signal": {"primary: more than 10M, claimed; no measurement published", "not found: claimed, no measurement published"},
	"push-360": {
		"secondary: 20 GB", "derived: 25 KB", "secondary: 0.2-0.4", "secondary: 7-10 %", "secondary: 2 min", "secondary: 2 s",
		"secondary: 1.5e9 over 16 machines", "derived: 1,085/s per machine", "derived: one per ~737 s",
	},
	"push-jd":       {"secondary: 23 GB", "derived: 19.5 KB", "secondary: ~0.7", "secondary: 4,000/s", "derived: ~295 s", "secondary: 2-3.x s"},
	"hongbao-1m":    {"primary: 30,000/s, flat", "primary: 60,000/s", "primary: ~49,000/s", "primary: 71,000/s", "primary: 119,000/s", "code: 65,000/s", "code: 200/s", "not found: not published"},
	"c1000k-push":   {"primary: 15,167 MB", "derived: ~13 KB", "primary: 13.9 s", "derived: ~86,000/s"},
	"eranyanay-1m":  {"primary: less than 1 GB", "derived: ~3.8 GB"},
	"whatsapp-2m":   {"secondary: 2,000,000, 2.8M", "secondary: 571,000/s", "secondary: more than 200,000/s"},
	"migratory-10m": {"primary: 61 ms", "primary: 585 ms", "primary: 1700 ms", "primary: less than 15 ms", "primary: 25 ms", "primary: 126 ms", "primary: 57 %", "primary: ~36 GB", "derived: 3.0 KB"},
	"smallnest-tcp": {"primary: 202,830/s", "primary: 42,402/s", "primary: 197,814/s", "primary: 444,415/s", "primary: 190,022/s"},
	"lesismal-1m":   {"primary: 152,342/s", "primary: 453 ms", "primary: 968 MB", "primary: 145,457/s", "primary: 448 MB", "primary: 64,000-69,000/s"},
}

func TestPublishedFiguresAreThere(t *testing.T) {
	for _, s := range all(t) {
		var have []string
		for _, f := range s.Figures {
			have = append(have, string(f.Mark)+": "+f.Text)
		}
		if len(published[s.Name]) == 0 {
			t.Errorf("%s: no figure is expected", s.Name)
		}
		for _, want := range published[s.Name] {
			mark, text, _ := strings.Cut(want, ": ")
			if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, mark+": ") && strings.Contains(h, text) }) {
				t.Errorf("%s has no figure %q", s.Name, want)
			}
		}
	}
}

func TestEmbedded(t *testing.T) {
	list := all(t)
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
		if s.Summary == "" || len(s.Caveats) == 0 {
			t.Errorf("%s: summary %q, caveats %q", s.Name, s.Summary, s.Caveats)
		}
		if s.Default < 10_000 || s.Default > 100_000 || s.Load.Window == 0 {
			t.Errorf("%s: %d connections by default, and a window of %v", s.Name, s.Default, s.Load.Window)
		}
	}
	entries, err := fs.ReadDir(files, "files")
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, e := range entries {
		there = append(there, strings.TrimSuffix(path.Base(e.Name()), ".yaml"))
	}
	if slices.Sort(names); !slices.Equal(names, there) {
		t.Errorf("scenarios are %v\nand files  %v", names, there)
	}
}

// A number that nobody published must not be shown as if somebody had.
func TestEveryFigureHasMarkAndSource(t *testing.T) {
	for _, s := range all(t) {
		for _, f := range s.Figures {
			at := s.Name + ", " + f.Name
			if !slices.Contains(marks, string(f.Mark)) {
				t.Errorf("%s: mark is %q", at, f.Mark)
			}
			if !slices.ContainsFunc(s.Sources, func(o results.Source) bool { return o.Key == f.Source && o.Title != "" && o.Where != "" }) {
				t.Errorf("%s: source is %q", at, f.Source)
			}
			if f.Mark == results.NotFound && (f.Value != 0 || strings.ContainsFunc(f.Text, unicode.IsDigit)) {
				t.Errorf("%s was not found and is %q, %v", at, f.Text, f.Value)
			}
			if f.Quantity != "" && f.Mark != results.NotFound && !strings.ContainsFunc(f.Text, unicode.IsDigit) {
				t.Errorf("%s is compared as %v, and %q has no number", at, f.Value, f.Text)
			}
		}
	}
}

func TestFind(t *testing.T) {
	s, err := Find("push-jd")
	if err != nil || s.Name != "push-jd" || s.Connections != 1_180_000 {
		t.Errorf("push-jd is %+v, %v", s, err)
	}
	for name, want := range map[string]string{"push-js": `did you mean "push-jd"?`, "nothing of the kind": "there are goroutines-10m, phoenix-2m,"} {
		if _, err := Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// The load of a scenario at its default, against the arithmetic of the publication.
func TestScale(t *testing.T) {
	for _, tc := range []struct {
		name     string
		conns    int
		rate     float64
		inFlight int
	}{
		{"greta-signal", 10_000, 50, 0},
		{"push-360", 800_000, 1000, 0},
		{"push-360", 50_000, 62.5, 0},
		{"hongbao-1m", 1_000_000, 60_000, 0},
		{"hongbao-1m", 100_000, 6000, 0},
		{"c1000k-push", 50_000, 0.05, 0},
		{"whatsapp-2m", 2_800_000, 100_000, 0},
		{"migratory-10m", 600_000, 10_000, 0},
		{"smallnest-tcp", 10_000, 0, 10_000},
		{"lesismal-1m", 10_000, 0, 100},
		{"lesismal-1m", 10, 0, 1},
		{"push-jd", 50_000, 0, 0},
	} {
		s, err := Find(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		if rate, inFlight := s.Load.RateAt(tc.conns), s.InFlightAt(tc.conns); rate != tc.rate || inFlight != tc.inFlight {
			t.Errorf("%s at %d: %v/s, %d in flight; want %v/s, %d", tc.name, tc.conns, rate, inFlight, tc.rate, tc.inFlight)
		}
	}
}

func TestFlagAt(t *testing.T) {
	for value, want := range map[string]string{
		"5s": "5s", "{conns}": "12345", "{conns/5000}/s": "2/s", "{conns/10}..{conns}": "1235..12345", "{conns/99999}": "1", "room:{n}": "room:{n}",
	} {
		if got := (Flag{Value: value}).At(12_345); got != want {
			t.Errorf("%s is %s, want %s", value, got, want)
		}
	}
}

func all(t *testing.T) []*Scenario {
	t.Helper()
	list, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(len(order), len(list)); d != "" {
		t.Fatal(d)
	}
	return list
}
