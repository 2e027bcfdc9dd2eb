package lint

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "signalbench"

// topLevel is everything beside dotfiles.
var topLevel = []string{"README.md", "compare", "go.mod", "go.sum", "loadgen", "results", "scripts", "server"}

// mayImport says which packages of this module a package may import, tests
// included: the rule of the longest matching folder decides. A trailing "/..."
// stands for the folder and all below it.
var mayImport = map[string][]string{
	"server":        {"server/...", "results"},
	"server/engine": {},                                                                    // the contract knows no engine
	"loadgen":       {"loadgen/...", "results", "server/phoenix", "server/hongbao/packet"}, // the wires
	"compare":       {"compare/...", "results"},                                            // starts the other two as processes
	"results":       {"results/..."},
	"scripts":       {"scripts/..."},
}

// engines are known to the list of engines in package server and to nobody
// else, one another included.
var engines = []string{"server/coder", "server/gobwas", "server/gorilla", "server/gws", "server/ladder", "server/nbio", "server/netpoll"}

// importers names dependencies that may be imported in few places only.
var importers = map[string][]string{
	"github.com/mailru/easygo/netpoll":        {"server/netpoll/...", "server/ladder/..."},
	"github.com/HdrHistogram/hdrhistogram-go": {"results/..."},
}

type goPackage struct {
	ImportPath, Dir, Doc, Name         string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
}

func (p *goPackage) path() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func (p *goPackage) imports() []string {
	return slices.Concat(p.Imports, p.TestImports, p.XTestImports)
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func goPackages(t *testing.T) []*goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json", "./...")
	cmd.Dir = root(t)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []*goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, &p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages: is this the module?", len(all))
	}
	return all
}

func TestTopLevel(t *testing.T) {
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing the files of the checkout: %v", err)
	}
	var got []string
	for f := range strings.Lines(string(out)) {
		first, _, _ := strings.Cut(strings.TrimSpace(f), "/")
		if !strings.HasPrefix(first, ".") {
			got = append(got, first)
		}
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, topLevel) {
		t.Errorf("top level holds %v\nwant            %v", got, topLevel)
	}
}

func TestImports(t *testing.T) {
	for _, p := range goPackages(t) {
		rule, ok := ruleOf(p.path())
		if !ok {
			t.Errorf("%s: no rule says what it may import", p.path())
			continue
		}
		for _, i := range p.imports() {
			if only, ok := importers[i]; ok && !slices.ContainsFunc(only, func(r string) bool { return within(p.path(), r) }) {
				t.Errorf("%s imports %s, which is for %v alone", p.path(), i, only)
			}
			own, ok := strings.CutPrefix(i, module+"/")
			if ok && own != p.path() && !slices.ContainsFunc(mayImport[rule], func(r string) bool { return within(own, r) }) {
				t.Errorf("%s imports %s; %s may import %v", p.path(), own, rule, mayImport[rule])
			}
			if ok && slices.Contains(engines, own) && own != p.path() && p.path() != "server" {
				t.Errorf("%s imports the engine %s, which only the list in package server knows", p.path(), own)
			}
		}
	}
}

// ruleOf finds the longest folder of mayImport that path lies in.
func ruleOf(path string) (string, bool) {
	for ; path != "."; path = filepath.Dir(path) {
		if _, ok := mayImport[path]; ok {
			return path, true
		}
	}
	return "", false
}

// within reports whether path is named by the pattern of mayImport.
func within(path, pattern string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == dir || strings.HasPrefix(path, dir+"/")
	}
	return path == pattern
}

func TestPackageComments(t *testing.T) {
	for _, p := range goPackages(t) {
		want := []string{"Package " + p.Name + " "}
		if p.Name == "main" {
			name := filepath.Base(p.Dir)
			want = []string{"Command " + name + " ", strings.ToUpper(name[:1]) + name[1:] + " "}
		}
		if len(p.GoFiles) > 0 && !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(p.Doc, w) }) {
			t.Errorf("%s: package comment %q does not begin with %q", p.path(), p.Doc, want)
		}
	}
}

func TestRulesMatch(t *testing.T) {
	for _, c := range []struct {
		path, pattern string
		want          bool
	}{
		{"server", "server/...", true},
		{"server/engine", "server/...", true},
		{"serverless", "server/...", false},
		{"results", "results", true},
		{"results/deep", "results", false},
	} {
		if within(c.path, c.pattern) != c.want {
			t.Errorf("within(%q, %q) is not %t", c.path, c.pattern, c.want)
		}
	}
	for path, want := range map[string]string{"server/engine": "server/engine", "server/admin": "server", "loadgen/internal/lane": "loadgen", "other": ""} {
		if got, _ := ruleOf(path); got != want {
			t.Errorf("%s follows the rule of %q, want %q", path, got, want)
		}
	}
}

// TestCommandsStaySmall keeps what only tests need out of the commands.
func TestCommandsStaySmall(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./server", "./loadgen", "./compare")
	cmd.Dir = root(t)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for dep := range strings.Lines(string(out)) {
		seen++
		for _, tests := range []string{"github.com/pion/", "github.com/chromedp/", "github.com/rogpeppe/"} {
			if strings.HasPrefix(dep, tests) {
				t.Errorf("a command links %s, which is for tests", strings.TrimSpace(dep))
			}
		}
	}
	if seen < 100 {
		t.Fatalf("go list found %d packages", seen)
	}
}
