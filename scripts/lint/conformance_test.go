package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"
)

// TestConformance finds engines of the list that no test in their own folder
// holds to the conformance kit.
func TestConformance(t *testing.T) {
	listed := listedEngines(t, filepath.Join(root(t), "server", "engines.go"))
	if len(listed) < len(engines) {
		t.Fatalf("the list in package server has %v, fewer than %v", listed, engines)
	}
	for pkg, entries := range listed {
		tested := kitted(t, filepath.Join(root(t), "server", pkg))
		for _, e := range entries {
			if !slices.Contains(tested, e) {
				t.Errorf("no test in server/%s calls enginetest.Test(t, %s.%s)", pkg, pkg, e)
			}
		}
	}
}

// listedEngines gives the names of the entries in the list of engines by package.
func listedEngines(t *testing.T, file string) map[string][]string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "engines" {
			return true
		}
		list, ok := spec.Values[0].(*ast.CompositeLit)
		if !ok {
			t.Fatalf("%s: the list of engines is no literal", file)
		}
		for _, e := range list.Elts {
			entry, ok := e.(*ast.SelectorExpr)
			if !ok {
				t.Fatalf("%s: the list of engines holds something other than package.Entry", file)
			}
			pkg := entry.X.(*ast.Ident).Name
			listed[pkg] = append(listed[pkg], entry.Sel.Name)
		}
		return false
	})
	return listed
}

// kitted gives the names of the entries that tests in a folder hand to
// enginetest.Test.
func kitted(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || f.Sel.Name != "Test" {
				return true
			}
			if of, ok := f.X.(*ast.Ident); !ok || of.Name != "enginetest" {
				return true
			}
			switch entry := call.Args[1].(type) {
			case *ast.SelectorExpr:
				names = append(names, entry.Sel.Name)
			case *ast.Ident:
				names = append(names, entry.Name)
			}
			return true
		})
	}
	return names
}
