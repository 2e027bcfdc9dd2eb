package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"signalbench/server/coder"
	"signalbench/server/engine"
	"signalbench/server/gobwas"
	"signalbench/server/gorilla"
	"signalbench/server/gws"
	"signalbench/server/ladder"
	"signalbench/server/nbio"
	"signalbench/server/netpoll"
)

// engines is the only list of engines: a new one is a folder and a line here.
var engines = []engine.Entry{
	gorilla.Entry,
	gorilla.LeanEntry,
	gobwas.Entry,
	netpoll.Entry,
	netpoll.DescEntry,
	ladder.EntryA,
	ladder.EntryB,
	ladder.EntryC,
	ladder.EntryD,
	coder.Entry,
	gws.Entry,
	nbio.Entry,
}

// engineNames returns the names of the list, for people.
func engineNames() string {
	names := make([]string, len(engines))
	for i, e := range engines {
		names[i] = e.Name
	}
	return strings.Join(names, ", ")
}

// findEngine returns the engine with a name.
func findEngine(name string) (engine.Entry, error) {
	i := slices.IndexFunc(engines, func(e engine.Entry) bool { return e.Name == name })
	if i < 0 {
		return engine.Entry{}, fmt.Errorf("there is no engine %q: choose one of %s", name, engineNames())
	}
	return engines[i], nil
}

// enginesCommand lists the engines.
type enginesCommand struct {
	JSON bool `help:"Write JSON."`
}

// Run writes the list.
func (c *enginesCommand) Run(s *session) error {
	if c.JSON {
		return c.writeJSON(s)
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(table.Row{"engine", "what it is"})
	for _, e := range engines {
		summary := e.Summary
		if e.Optional {
			summary = "optional: " + summary
		}
		t.AppendRow(table.Row{e.Name, summary})
		for _, known := range e.Lesson {
			t.AppendRow(table.Row{"", "fails " + known.Case + ": " + known.Why})
		}
	}
	_, err := fmt.Fprintln(s.stdout, t.Render())
	return err
}

func (c *enginesCommand) writeJSON(s *session) error {
	type entry struct {
		Name      string                `json:"name"`
		Summary   string                `json:"summary"`
		IdleBytes int                   `json:"idle_bytes"`
		OwnTables bool                  `json:"own_tables,omitempty"`
		Optional  bool                  `json:"optional,omitempty"`
		Lesson    []engine.KnownFailure `json:"lesson,omitempty"`
	}
	list := make([]entry, len(engines))
	for i, e := range engines {
		list[i] = entry{e.Name, e.Summary, e.IdleBytes, e.OwnTables, e.Optional, e.Lesson}
	}
	return json.NewEncoder(s.stdout).Encode(list)
}
