package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayExit names what stands in for whole programs.
var mayExit = []string{"compare/internal/fake"}

// TestCalls finds what only main may do, and tests that do not test: a test
// that skips when something is missing is green for the wrong reason. One that
// the race detector would falsify may skip under it, if it asks raceEnabled:
// scripts/test.sh runs packages that declare it a second time without.
func TestCalls(t *testing.T) {
	for _, p := range goPackages(t) {
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			test := strings.HasSuffix(name, "_test.go")
			for _, d := range tree.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				isMain := p.Name == "main" && f.Recv == nil && f.Name.Name == "main"
				isFuzz := strings.HasPrefix(f.Name.Name, "Fuzz") // may skip an input that says nothing
				for call, at := range calls(f) {
					exits := call == "os.Exit" || strings.HasPrefix(call, "log.Fatal")
					if exits && !test && !isMain && !slices.Contains(mayExit, p.path()) {
						t.Errorf("%s: %s outside main", set.Position(at), call)
					}
					skips := strings.HasPrefix(call, "t.Skip") || strings.HasPrefix(call, "b.Skip")
					if skips && test && !isFuzz {
						t.Errorf("%s: %s: a test runs or fails", set.Position(at), call)
					}
				}
			}
		}
	}
}

// calls gives what looks like package.Function or value.Method in f, but for
// what stands under "if raceEnabled".
func calls(f *ast.FuncDecl) map[string]token.Pos {
	found := map[string]token.Pos{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			if asksRace(n.Cond) {
				return false
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				found[x.Name+"."+n.Sel.Name] = n.Pos()
			}
		}
		return true
	})
	return found
}

func asksRace(cond ast.Expr) (asks bool) {
	ast.Inspect(cond, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == "raceEnabled" {
			asks = true
		}
		return true
	})
	return asks
}
