package scenario

import (
	"errors"
	"io/fs"
	"testing"
)

// Whatever the bytes are, Parse returns a scenario that can be run or mistakes that
// have a line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	for _, name := range order {
		data, err := fs.ReadFile(files, "files/"+name+".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{"", "---", "- a", "a: b", "a: &a [*a]", "? a\n: b", "<<: {name: a}", "name: !!binary x", "name: |\n  a\n b", "{", "\t", "\xff", "a: 1\n...\nb"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("fuzz.yaml", data)
		if err != nil {
			var all Mistakes
			if !errors.As(err, &all) || len(all) == 0 || s != nil {
				t.Fatalf("%v, %v", s, err)
			}
			last := 0
			for _, m := range all {
				if m.Line < max(1, last) || m.Column < 1 || m.Text == "" {
					t.Fatalf("%+v after line %d", m, last)
				}
				last = m.Line
			}
			return
		}
		if !names.MatchString(s.Name) || s.Title == "" || s.Default < 1 || s.Default > s.Connections || len(s.Arms) == 0 || len(s.Figures) == 0 || len(s.Load.Workloads) == 0 {
			t.Fatalf("%+v was taken", s)
		}
		for _, f := range s.Figures {
			if f.Mark == "" || f.Source == "" || f.Text == "" {
				t.Fatalf("figure %+v was taken", f)
			}
		}
	})
}
