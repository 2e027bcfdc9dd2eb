package main

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"

	"signalbench/compare/internal/peers"
)

// peersCommand lists the servers in other languages.
type peersCommand struct{}

// Run tells of each whether it is installed, what it is known to fail of the
// conformance kit, and how to get and measure it.
func (*peersCommand) Run(s *session) error {
	folder, err := peers.Folder()
	if err != nil {
		return err
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(table.Row{"peer", "installed", "rooms", "what it is"})
	for _, p := range peers.All() {
		_, missing := p.Start(folder)
		t.AppendRow(table.Row{p.Name, yes(missing == nil), yes(p.Rooms), p.Summary})
		for _, known := range p.Lesson {
			t.AppendRow(table.Row{"", "", "", "fails " + known.Case + ": " + known.Why})
		}
	}
	_, err = fmt.Fprintf(s.stdout, "%s\n\ninstalled in %s\nscripts/peers.sh NAME installs one, compare run --peers NAME,... measures it beside the engines\n", t.Render(), folder)
	return err
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
