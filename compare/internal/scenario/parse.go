package scenario

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"signalbench/results"
)

// Parse reads a scenario file. The error has every mistake that is in it, as
// [Mistakes]; file is what they name it.
func Parse(file string, data []byte) (*Scenario, error) {
	d := &document{file: file}
	s := d.scenario(data)
	if len(d.mistakes) > 0 {
		d.mistakes.sort()
		return nil, d.mistakes
	}
	return s, nil
}

// names can be folders, and arguments of a command.
var names = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func (d *document) scenario(data []byte) *Scenario {
	root := d.root(data)
	if root == nil {
		return nil
	}
	b := d.block(root, "scenario", "name", "title", "summary", "system", "sources", "connections", "default",
		"load", "arms", "figures", "assumed", "caveats", "upgrade_benchmark")
	if b == nil {
		return nil
	}
	b.need("name", "title", "connections", "default", "load", "arms", "sources", "figures")
	s := &Scenario{
		File: d.file, Name: b.folder("name"), Title: b.text("title"), Summary: b.text("summary"),
		Connections: b.count("connections", 1), Default: b.count("default", 1),
		Assumed: b.texts("assumed"), Caveats: b.texts("caveats"), UpgradeBenchmark: b.flag("upgrade_benchmark"),
	}
	if s.Connections > 0 && s.Default > s.Connections {
		b.wrong(b.where("default"), "default %d is more than the %d connections that were published: a run cannot be larger than what it repeats", s.Default, s.Connections)
	}
	if f, ok := b.fields["system"]; ok {
		if y := d.block(f.value, "system", "machine", "cores", "software"); y != nil {
			s.System = System{Machine: y.text("machine"), Cores: y.count("cores", 1), Software: y.text("software")}
		}
	}
	s.Sources = b.sources()
	if f, ok := b.fields["load"]; ok {
		s.Load = d.load(f.value)
	}
	for _, n := range b.list("arms") {
		if a, at, ok := d.arm(n); ok {
			if slices.ContainsFunc(s.Arms, func(o Arm) bool { return o.Name == a.Name }) {
				d.wrong(at, "a second arm has the name %q", a.Name)
			}
			s.Arms = append(s.Arms, a)
		}
	}
	for _, n := range b.list("figures") {
		f, at, ok := d.figure(n, s)
		if !ok {
			continue
		}
		if slices.ContainsFunc(s.Figures, func(o results.PublishedFigure) bool { return o.Name == f.Name && o.Arm == f.Arm }) {
			d.wrong(at, "a second figure has the name %q", f.Name)
		}
		s.Figures = append(s.Figures, f)
	}
	return s
}

// folder reads a name of which a folder can be made.
func (b *block) folder(name string) string {
	s := b.text(name)
	if s != "" && !names.MatchString(s) {
		b.wrong(b.where(name), "%s %q is no name for a folder: want up to 63 of a to z, 0 to 9 and -, and no - in front", name, s)
		return ""
	}
	return s
}

func (b *block) sources() []results.Source {
	f, ok := b.fields["sources"]
	if !ok {
		return nil
	}
	entries, ok := pairs(f.value)
	if !ok || len(entries) == 0 {
		b.expect("sources", "a block with one or more sources, each under its key")
		return nil
	}
	var list []results.Source
	for _, pair := range entries {
		key, _ := scalar(pair.Key)
		if at := placeOf(pair.Key); !names.MatchString(key) {
			b.wrong(at, "source key %q is not of a to z, 0 to 9 and -", key)
		}
		s := results.Source{Key: key}
		if e := b.document.block(pair.Value, "source", "title", "where", "date"); e != nil {
			e.need("title", "where")
			s.Title, s.Where, s.Date = e.text("title"), e.text("where"), e.text("date")
		}
		list = append(list, s)
	}
	return list
}

// flags reads flags of a program, by their names without dashes. Some are not for a
// scenario to set.
func (b *block) flags(name string, taken ...string) []Flag {
	f, ok := b.fields[name]
	if !ok {
		return nil
	}
	entries, ok := pairs(f.value)
	if !ok {
		b.expect(name, "a block such as read-timeout: 0")
		return nil
	}
	var list []Flag
	for _, pair := range entries {
		key, _ := scalar(pair.Key)
		v, plain := scalar(pair.Value)
		at := placeOf(pair.Key)
		switch {
		case !names.MatchString(key):
			b.wrong(at, "%q is no name of a flag: write read-timeout for --read-timeout", key)
		case slices.Contains(taken, key):
			b.wrong(at, "--%s is set by the comparison itself", key)
		case !plain:
			b.wrong(at, "flag %s is %s, and should be one value", key, kind(pair.Value))
		case strings.Contains(placeholder.ReplaceAllString(v, ""), "{conns"):
			b.wrong(at, "flag %s: in %q, write {conns} for the number of connections, or {conns/N} for a part of them", key, v)
		default:
			list = append(list, Flag{key, v})
		}
	}
	return list
}

func (d *document) arm(n ast.Node) (a Arm, at place, ok bool) {
	b := d.block(n, "arm", "name", "summary", "engine", "tcp", "peer", "flags")
	if b == nil {
		return a, at, false
	}
	b.need("name")
	a = Arm{Name: b.folder("name"), Summary: b.text("summary"), Engine: b.folder("engine"), TCP: b.folder("tcp"), Peer: b.folder("peer"),
		Flags: b.flags("flags", "engine", "listen", "admin", "kind")}
	servers := 0
	for _, s := range []string{"engine", "tcp", "peer"} {
		if !b.lacks(s) {
			servers++
		}
	}
	if servers != 1 {
		b.wrong(b.at, "arm %s names %d servers, and should name one: engine, tcp or peer", a.Name, servers)
	}
	if at, ok := b.has("flags"); ok && a.Peer != "" {
		b.wrong(at, "flags are those of our server, and %s is a peer", a.Peer)
	}
	return a, b.where("name"), a.Name != ""
}

// quantities are names such as "echo.response.p99.9".
var quantities = regexp.MustCompile(`^[a-z][a-zA-Z0-9_-]*(\.{1,2}[a-zA-Z0-9_-]+)+$`)

var marks = []string{string(results.Primary), string(results.Secondary), string(results.Code), string(results.Derived), string(results.NotFound)}

func (d *document) figure(n ast.Node, s *Scenario) (f results.PublishedFigure, at place, ok bool) {
	b := d.block(n, "figure", "name", "text", "value", "mark", "source", "quantity", "arm", "scales", "per_core", "note")
	if b == nil {
		return f, at, false
	}
	b.need("name", "text", "mark", "source")
	f = results.PublishedFigure{
		Name: b.text("name"), Text: b.text("text"), Value: unit(b, "value", "a number with its unit, like 10 KB, 0.32ms or 30000/s", value),
		Mark: results.Mark(b.oneOf("mark", marks...)), Source: b.text("source"), Quantity: b.text("quantity"), Arm: b.text("arm"),
		Scales: b.flag("scales"), PerCore: b.flag("per_core"), Note: b.text("note"),
	}
	if f.Source != "" && len(s.Sources) > 0 && !slices.ContainsFunc(s.Sources, func(o results.Source) bool { return o.Key == f.Source }) {
		b.wrong(b.where("source"), "no source has the key %q: %s", f.Source, instead(f.Source, keys(s.Sources)))
	}
	if f.Arm != "" && len(s.Arms) > 0 && !slices.ContainsFunc(s.Arms, func(a Arm) bool { return a.Name == f.Arm }) {
		b.wrong(b.where("arm"), "no arm has the name %q", f.Arm)
	}
	if f.Quantity != "" && !quantities.MatchString(f.Quantity) {
		b.wrong(b.where("quantity"), "%q is no quantity such as echo.response.p99", f.Quantity)
	}
	number, has := b.has("value")
	switch _, measured := b.has("quantity"); {
	case f.Mark == results.NotFound && has:
		b.wrong(number, "a figure that was not found has a value")
	case f.Mark == results.NotFound && strings.ContainsFunc(f.Text, unicode.IsDigit):
		b.wrong(b.where("text"), "a figure that was not found has a number in its text")
	case measured && !has && f.Mark != results.NotFound:
		b.wrong(b.where("quantity"), "a figure with a quantity to be set beside it has no value")
	case !measured && b.lacks("note") && b.lacks("quantity"):
		b.wrong(b.at, "figure %q has neither a quantity to be set beside it nor a note that says why not", f.Name)
	}
	return f, b.where("name"), f.Name != ""
}

func keys(list []results.Source) []string {
	var all []string
	for _, s := range list {
		all = append(all, s.Key)
	}
	return all
}
