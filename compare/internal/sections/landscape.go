package sections

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// A MemoryRow is what an idle connection takes of one server, in bytes.
type MemoryRow struct {
	Server string // name of the arm
	Kind   string // "Go", "Erlang", ...
	User   float64
	Kernel float64 // the server's half
	Conns  int
	Suite  *digest.Suite // that it is from
	rank   int
}

// Landscape picks from many suites one row of memory for each server, in groups of one
// language, the dearest of each first.
func Landscape(suites []*digest.Suite) []MemoryRow {
	best := map[string]candidate{}
	for _, s := range suites {
		for _, a := range s.Arms {
			if a.Setting != nil {
				continue // the same server under another setting
			}
			c, ok := memoryOf(s, a)
			if old, known := best[a.Name]; ok && (!known || c.better(old)) {
				best[a.Name] = c
			}
		}
	}
	var rows []MemoryRow
	for _, c := range best {
		rows = append(rows, c.MemoryRow)
	}
	slices.SortFunc(rows, func(a, b MemoryRow) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.User, a.User), cmp.Compare(a.Server, b.Server))
	})
	return rows
}

// A candidate is a row that may stand for its server.
type candidate struct {
	MemoryRow
	valid bool
	plain bool // nothing is spoken above WebSocket: only the connection is counted
}

// better prefers a row that is valid, then one of connections alone, then one of more
// connections up to where a slope is exact, and then the newer.
func (c candidate) better(o candidate) bool {
	yes := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(yes(c.valid), yes(o.valid)), cmp.Compare(yes(c.plain), yes(o.plain)),
		cmp.Compare(min(c.Conns, exact), min(o.Conns, exact)), c.Suite.Started.Compare(o.Suite.Started)) > 0
}

// exact is from how many connections on more of them tell nothing new of one.
const exact = 10_000

func memoryOf(s *digest.Suite, a *digest.Arm) (candidate, bool) {
	slope := func(item string) (float64, bool) {
		sum := a.Summary(digest.Slope(item, item, digest.BytesPerConn))
		return sum.Median, sum.N > 0
	}
	user, ok := slope(results.ItemServerRSS)
	kernel, counted := slope(results.ItemKernelServer)
	if !ok || !counted || user < 0 {
		return candidate{}, false
	}
	c := candidate{valid: a.Verdict == results.Valid, plain: true, MemoryRow: MemoryRow{Server: a.Name, User: user, Kernel: max(kernel, 0), Suite: s}}
	for _, r := range a.Counted() {
		c.Conns = max(c.Conns, r.Spec.Conns)
		c.plain = c.plain && r.Spec.Proto == ""
	}
	c.rank, c.Kind = kind(a)
	return c, true
}

// others are the languages of servers that are not ours, by the beginning of their
// names.
var others = []struct{ prefix, kind string }{
	{"cowboy", "Erlang"}, {"phoenix", "Elixir"}, {"libwebsockets", "C"}, {"uwebsockets", "C++"}, {"c-floor", "C, epoll alone"}, {"node", "Node.js"},
}

// kind says what an arm's server is written in, and where it stands among others.
func kind(a *digest.Arm) (rank int, name string) {
	switch {
	case len(a.Server) > 1 && path.Base(a.Server[0]) == "server" && a.Server[1] == "tcp":
		return 1, "Go, no WebSocket"
	case len(a.Server) > 0 && path.Base(a.Server[0]) == "server":
		return 0, "Go"
	}
	for i, o := range others {
		if strings.HasPrefix(a.Name, o.prefix) {
			return 2 + i, o.kind
		}
	}
	return 2 + len(others), "other"
}

// MemoryTable is the rows as a table.
func MemoryTable(rows []MemoryRow) *table.Table {
	t := &table.Table{
		ID: "memory-of-all", Title: "Memory of one idle connection, all servers",
		Intro: "One row for each server, from the run that tells most exactly: valid, of connections alone, many of them, the newest. " +
			"User space is the slope of the process's RSS, the kernel's share the objects behind the server's socket, settled.",
		Columns: []table.Column{
			{Head: "Server", Text: true}, {Head: "Language", Text: true}, {Head: "user space", Unit: "B/conn"}, {Head: "kernel", Unit: "B/conn, server's end"},
			{Head: "together", Unit: "B/conn"}, {Head: "connections"}, {Head: "run", Text: true}, {Head: "taken", Text: true},
		},
	}
	for i, r := range rows {
		t.Add(r.Server, r.Kind, format.Whole(r.User), format.Whole(r.Kernel), format.Whole(r.User+r.Kernel), format.Whole(float64(r.Conns)),
			path.Base(r.Suite.Dir), r.Suite.Started.UTC().Format("2006-01-02")).Group = i > 0 && rows[i-1].rank != r.rank
	}
	return t
}
