package scenario

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

//go:embed files/*.yaml
var files embed.FS

// order is that in which scenarios are listed.
var order = []string{
	"goroutines-10m", "phoenix-2m", "mailru-3m", "greta-signal", "push-360", "push-jd", "hongbao-1m", "c1000k-push",
	"eranyanay-1m", "whatsapp-2m", "migratory-10m", "smallnest-tcp", "lesismal-1m",
}

// Embedded returns the scenarios that are in the program, in the order in which they
// are listed. The caller owns them.
func Embedded() ([]*Scenario, error) {
	var list []*Scenario
	var errs []error
	for _, name := range order {
		s, err := embedded(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, s)
	}
	return list, errors.Join(errs...)
}

func embedded(name string) (*Scenario, error) {
	file := path.Join("files", name+".yaml")
	data, err := files.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading scenario %s: %w", name, err)
	}
	s, err := Parse(file, data)
	if err == nil && s.Name != name {
		err = fmt.Errorf("%s: its name is %q", file, s.Name)
	}
	return s, err
}

// Find returns the scenario of a name that is in the program.
func Find(name string) (*Scenario, error) {
	for _, known := range order {
		if name == known {
			return embedded(name)
		}
	}
	return nil, fmt.Errorf("unknown scenario %q: %s", name, instead(name, order))
}

// Open reads a scenario file.
func Open(file string) (*Scenario, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading a scenario: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return nil, fmt.Errorf("reading a scenario: %w", err)
	}
	return Parse(file, data)
}
