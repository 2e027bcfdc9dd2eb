package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"signalbench/compare/internal/child"
	"signalbench/compare/internal/orchestrate"
	"signalbench/results"
)

// entry is an engine as `server engines --json` lists it.
type entry struct {
	Name      string `json:"name"`
	Summary   string `json:"summary"`
	IdleBytes int    `json:"idle_bytes"`
	OwnTables bool   `json:"own_tables"`
	Optional  bool   `json:"optional"`
	Lesson    []struct {
		Case string `json:"case"`
		Why  string `json:"why"`
	} `json:"lesson"`
}

// lesson is what the engine is known to fail, as it stands in a report.
func (e *entry) lesson() []results.CaseResult {
	var cases []results.CaseResult
	for _, l := range e.Lesson {
		cases = append(cases, results.CaseResult{Name: l.Case, Error: "on the engine's list, not among the kit's quick cases", Known: l.Why})
	}
	return cases
}

// listEngines asks the server which engines it has.
func listEngines(ctx context.Context, server string) ([]entry, error) {
	var out bytes.Buffer
	p, err := child.Start(child.Spec{Path: server, Args: []string{"engines", "--json"}, Stdout: &out})
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, p); err != nil {
		return nil, err
	}
	if err := p.Err(); err != nil {
		return nil, fmt.Errorf("listing engines: %w", err)
	}
	var list []entry
	if err := json.Unmarshal(out.Bytes(), &list); err != nil {
		return nil, fmt.Errorf("listing engines: the server says %q: %w", out.String(), err)
	}
	return list, nil
}

// choose returns the arms for the engines that are asked for, or for all that
// are neither optional nor lessons if none is.
func choose(list []entry, asked []string) ([]orchestrate.Arm, error) {
	var arms []orchestrate.Arm
	if len(asked) == 0 {
		for _, e := range list {
			if len(e.Lesson) == 0 && !e.Optional {
				arms = append(arms, orchestrate.Arm{Name: e.Name, Summary: e.Summary, IdleBytes: e.IdleBytes, OwnTables: e.OwnTables})
			}
		}
		return arms, nil
	}
	for _, name := range asked {
		found := false
		for _, e := range list {
			if e.Name == name {
				arms = append(arms, orchestrate.Arm{Name: e.Name, Summary: e.Summary, IdleBytes: e.IdleBytes, OwnTables: e.OwnTables, Lesson: e.lesson()})
				found = true
			}
		}
		if !found {
			names := make([]string, len(list))
			for i, e := range list {
				names[i] = e.Name
			}
			return nil, fmt.Errorf("unknown engine %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	return arms, nil
}
