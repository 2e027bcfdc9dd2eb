// Package peers knows the servers in other languages that a comparison can start
// beside ours: their names, what they are known to fail of the conformance kit, what
// their connections take, and where scripts/peers.sh installs them.
//
// The package must not know how they are built or what they are measured with.
package peers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"signalbench/compare/internal/orchestrate"
	"signalbench/results"
)

// FolderVariable is the environment variable that names the folder of the peers.
const FolderVariable = "SIGNALBENCH_PEERS"

// A Peer is a server that is no engine of ours. It is read-only.
type Peer struct {
	// Name is what --peers and scripts/peers.sh take and what its ready line says.
	Name string
	// Summary is one line: language, library with version, what is special.
	Summary string
	// IdleBytes is about what an idle connection takes of the process's memory after
	// one echo: the slope of its RSS, rounded up. It decides whether a number of
	// connections is tried at all, and is in no result.
	IdleBytes int
	// Rooms says that it has our rooms on /socket/websocket, beside /echo.
	Rooms bool
	// Lesson lists the cases of the conformance kit that it fails.
	Lesson []KnownFailure
}

// A KnownFailure is a conformance case that a peer is known to fail.
type KnownFailure struct {
	Case string // the case's name in the kit
	Why  string // one sentence
}

// because lists cases that fail for one reason.
func because(why string, cases ...string) []KnownFailure {
	list := make([]KnownFailure, len(cases))
	for i, c := range cases {
		list[i] = KnownFailure{c, why}
	}
	return list
}

// All returns the peers in the order in which they are listed.
func All() []Peer { return slices.Clone(registry) }

// Find returns the peer of that name, or says which there are.
func Find(name string) (Peer, error) {
	names := make([]string, len(registry))
	for i, p := range registry {
		if p.Name == name {
			return p, nil
		}
		names[i] = p.Name
	}
	return Peer{}, fmt.Errorf("unknown peer %q; there are %s", name, strings.Join(names, ", "))
}

// Folder is where peers are installed: what FolderVariable says, or a folder in the
// user's cache.
func Folder() (string, error) {
	if dir := os.Getenv(FolderVariable); dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("looking for the peers: %w: set %s to their folder", err, FolderVariable)
	}
	return filepath.Join(cache, "signalbench", "peers"), nil
}

// Start returns the path of the executable that starts the peer, or says how to get
// it. Folder is that of all peers.
func (p *Peer) Start(folder string) (string, error) {
	path := filepath.Join(folder, p.Name, "start")
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("peer %s is not installed in %s: scripts/peers.sh %s does that", p.Name, folder, p.Name)
	case err != nil:
		return "", fmt.Errorf("looking for peer %s: %w", p.Name, err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return "", fmt.Errorf("looking for peer %s: %s is not an executable file; scripts/peers.sh %s makes it again", p.Name, path, p.Name)
	}
	return path, nil
}

// Arms returns the arms of a comparison for the peers of these names. With rooms, all
// of them must have some.
func Arms(names []string, rooms bool) ([]orchestrate.Arm, error) {
	if len(names) == 0 {
		return nil, nil
	}
	folder, err := Folder()
	if err != nil {
		return nil, err
	}
	arms := make([]orchestrate.Arm, 0, len(names))
	for _, name := range names {
		p, err := Find(name)
		if err != nil {
			return nil, err
		}
		if rooms && !p.Rooms {
			return nil, fmt.Errorf("peer %s has no rooms, only an echo: leave it out", name)
		}
		path, err := p.Start(folder)
		if err != nil {
			return nil, err
		}
		arms = append(arms, orchestrate.Arm{
			Name: p.Name, Summary: p.Summary, IdleBytes: p.IdleBytes, Lesson: p.lesson(),
			Program: &orchestrate.Program{Path: path},
		})
	}
	return arms, nil
}

// lesson is what the peer is known to fail, as it stands in a report.
func (p *Peer) lesson() []results.CaseResult {
	var cases []results.CaseResult
	for _, l := range p.Lesson {
		cases = append(cases, results.CaseResult{Name: l.Case, Error: "on the peer's list, and did not fail this time", Known: l.Why})
	}
	return cases
}
