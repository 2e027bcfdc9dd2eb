package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A document collects the mistakes of a file while its nodes are read. A value that
// is one is read as if it were not there.
type document struct {
	file     string
	mistakes Mistakes
}

// A place is where something stands in a file.
type place struct{ line, column int }

func placeOf(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		n = m.Values[0].Key // a block has no token of its own
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		n = m.Key
	}
	return placeOfToken(n.GetToken())
}

func placeOfToken(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{max(1, t.Position.Line), max(1, t.Position.Column)}
}

func (d *document) wrong(at place, format string, a ...any) {
	d.mistakes = append(d.mistakes, Mistake{File: d.file, Line: at.line, Column: at.column, Text: fmt.Sprintf(format, a...)})
}

// largest and deepest bound a file, far above what one needs: what the parser takes
// for brackets within brackets grows with their square.
const (
	largest = 64 << 10
	deepest = 16
)

// root parses the file; it is nil if there is nothing that could be read on.
func (d *document) root(data []byte) ast.Node {
	start := place{1, 1}
	if len(data) > largest {
		d.wrong(start, "the file is larger than %d KiB", largest>>10)
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if t := tooDeep(tokens); t != nil {
		d.wrong(placeOfToken(t), "more than %d brackets within each other", deepest)
		return nil
	}
	f, err := parser.Parse(tokens, 0)
	if err != nil {
		text := err.Error()
		if y := yaml.Error(nil); errors.As(err, &y) {
			start, text = placeOfToken(y.GetToken()), y.GetMessage()
		}
		d.wrong(start, "not YAML: %s", text)
		return nil
	}
	var bodies []ast.Node
	for _, doc := range f.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.NullType && doc.Body.Type() != ast.CommentType {
			bodies = append(bodies, doc.Body)
		}
	}
	switch len(bodies) {
	case 0:
		d.wrong(start, "the file says nothing: see the template in README.md, \"Reproduce what was published\"")
		return nil
	case 1:
		return bodies[0]
	}
	d.wrong(placeOf(bodies[1]), "a second document: a file has one scenario")
	return nil
}

// tooDeep returns the bracket that is one too many, nil if none is.
func tooDeep(tokens token.Tokens) *token.Token {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > deepest {
			return t
		}
	}
	return nil
}

// kind names a node as a reader of YAML would.
func kind(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a block of fields"
	case *ast.NullNode:
		return "nothing"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or alias, which scenarios do not have"
	default:
		return "a " + strings.ToLower(n.Type().String())
	}
}

// pairs returns the entries of a block; ok is false if n is none.
func pairs(n ast.Node) (list []*ast.MappingValueNode, ok bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// scalar returns what a number, a text or a truth value was written as.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return strings.TrimSpace(n.GetToken().Value), true
	}
	return "", false
}

// A block is a mapping whose fields are known. A nil one has none.
type block struct {
	*document
	what   string // for messages, for example "figure"
	at     place
	fields map[string]entry
	meant  []string // fields that are there, misspelt
}

type entry struct {
	at    place // of the key
	value ast.Node
}

// block reads a mapping. Fields that are not known are mistakes.
func (d *document) block(n ast.Node, what string, known ...string) *block {
	list, ok := pairs(n)
	if !ok {
		d.wrong(placeOf(n), "%s is %s, and should be a block of fields: %s", what, kind(n), strings.Join(known, ", "))
		return nil
	}
	b := &block{document: d, what: what, at: placeOf(n), fields: map[string]entry{}}
	for _, pair := range list {
		key, ok := scalar(pair.Key)
		at := placeOf(pair.Key)
		switch {
		case !ok || !slices.Contains(known, key):
			if !ok {
				key = strings.TrimSpace(pair.Key.GetToken().Value)
			}
			d.wrong(at, "%s has no field %q: %s", what, key, instead(key, known))
			b.meant = append(b.meant, nearest(key, known))
		default:
			b.fields[key] = entry{at, pair.Value}
		}
	}
	return b
}

// has says whether a field is there, and where.
func (b *block) has(name string) (place, bool) {
	f, ok := b.fields[name]
	return f.at, ok
}

// where is the place of a field, or of the block if it is not there.
func (b *block) where(name string) place {
	if at, ok := b.has(name); ok {
		return at
	}
	return b.at
}

// need reports fields that are missing.
func (b *block) need(names ...string) {
	for _, name := range names {
		if b.lacks(name) {
			b.wrong(b.at, "%s has no %s", b.what, name)
		}
	}
}

// lacks says that a field is not there, nor one that may mean it.
func (b *block) lacks(name string) bool {
	_, ok := b.fields[name]
	return !ok && !slices.Contains(b.meant, name)
}

// expect reports a value of a wrong type.
func (b *block) expect(name, want string) {
	f := b.fields[name]
	b.wrong(f.at, "%s is %s, and should be %s", name, kind(f.value), want)
}

// text reads a text that is not empty.
func (b *block) text(name string) string {
	f, ok := b.fields[name]
	if !ok {
		return ""
	}
	switch f.value.(type) {
	case *ast.StringNode, *ast.LiteralNode:
	default:
		b.expect(name, "text; put a number in quotes")
		return ""
	}
	s, _ := scalar(f.value)
	if s = strings.Join(strings.Fields(s), " "); s == "" {
		b.wrong(f.at, "%s is empty", name)
	}
	return s
}

// oneOf reads a text that is one of known.
func (b *block) oneOf(name string, known ...string) string {
	s := b.text(name)
	if s != "" && !slices.Contains(known, s) {
		b.wrong(b.where(name), "unknown %s %q: %s", name, s, instead(s, known))
		return ""
	}
	return s
}

// count reads a whole number from least on. Digits may be grouped as in 1_000_000.
func (b *block) count(name string, least int) int {
	f, ok := b.fields[name]
	if !ok {
		return 0
	}
	if _, ok := f.value.(*ast.IntegerNode); !ok {
		b.expect(name, "a whole number like 1_000_000")
		return 0
	}
	s, _ := scalar(f.value)
	n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 32)
	switch {
	case err != nil:
		b.wrong(f.at, "%s %s is not a whole number below 2_147_483_648, such as 1_000_000", name, s)
		return 0
	case n < 0:
		b.wrong(f.at, "%s %s is negative", name, s)
		return 0
	case n < int64(least):
		b.wrong(f.at, "%s %s is less than %d", name, s, least)
		return 0
	}
	return int(n)
}

// flag reads true or false.
func (b *block) flag(name string) bool {
	f, ok := b.fields[name]
	if !ok {
		return false
	}
	v, ok := f.value.(*ast.BoolNode)
	if !ok {
		b.expect(name, "true or false")
		return false
	}
	return v.Value
}

// unit reads an amount with a unit, by parse.
func unit[T any](b *block, name, want string, parse func(string) (T, error)) T {
	var none T
	f, ok := b.fields[name]
	if !ok {
		return none
	}
	s, ok := scalar(f.value)
	if _, truth := f.value.(*ast.BoolNode); !ok || truth {
		b.expect(name, want)
		return none
	}
	v, err := parse(s)
	if err != nil {
		b.wrong(f.at, "%s: %v", name, err)
		return none
	}
	return v
}

func (b *block) duration(name string) time.Duration {
	return unit(b, name, "a time like 300s", duration)
}

// interval reads a time that is not zero.
func (b *block) interval(name string) time.Duration {
	return unit(b, name, "a time like 300s", func(text string) (time.Duration, error) {
		d, err := duration(text)
		if err == nil && d == 0 {
			err = fmt.Errorf("%q is not above zero", text)
		}
		return d, err
	})
}

func (b *block) rate(name string) float64 { return unit(b, name, "a rate like 5000/s", perSecond) }

// list returns the elements of a list that is not empty.
func (b *block) list(name string) []ast.Node {
	f, ok := b.fields[name]
	if !ok {
		return nil
	}
	seq, ok := f.value.(*ast.SequenceNode)
	switch {
	case !ok:
		b.expect(name, "a list")
		return nil
	case len(seq.Values) == 0:
		b.wrong(f.at, "%s is an empty list", name)
	}
	return seq.Values
}

// texts reads a list of texts.
func (b *block) texts(name string) []string {
	var list []string
	for _, n := range b.list(name) {
		one := &block{document: b.document, fields: map[string]entry{name: {placeOf(n), n}}}
		if s := one.text(name); s != "" {
			list = append(list, s)
		}
	}
	return list
}
