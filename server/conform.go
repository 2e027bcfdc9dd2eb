package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"

	"signalbench/server/enginetest"
)

// conformCommand runs the kit against a URL.
type conformCommand struct {
	URL      string `help:"Where the server echoes: ws://host:port/path or wss://..." required:"" placeholder:"URL"`
	Admin    string `help:"Admin listener of a server of ours: makes its limits known and what it holds comparable." placeholder:"URL"`
	Engine   string `help:"Engine that the server runs: makes known what it is known to fail." placeholder:"NAME"`
	Quick    bool   `help:"Leave out what waits for timeouts or sends floods."`
	Filter   string `help:"Run only cases whose name matches." placeholder:"REGEXP"`
	Insecure bool   `help:"Trust any certificate."`
	JSON     bool   `help:"Write JSON."`
}

// Run runs the kit. A failure that nobody knew of is an error, after the report
// has been written.
func (c *conformCommand) Run(s *session) error {
	target := enginetest.Target{URL: c.URL}
	if c.Insecure {
		target.TLS = &tls.Config{InsecureSkipVerify: true}
	}
	options := enginetest.Options{Quick: c.Quick, Filter: c.Filter}
	name := c.Engine
	if c.Admin != "" {
		ours := watch(s.ctx, c.Admin)
		defer ours.close()
		stats, err := ours.stats()
		if err != nil {
			return err
		}
		if err := describe(&target, stats.Config); err != nil {
			return fmt.Errorf("reading the config of %s: %w", c.Admin, err)
		}
		target.Probe = ours.probe
		if name == "" {
			name = stats.Engine
		}
	}
	if name != "" {
		entry, err := findEngine(name)
		if err != nil {
			return err
		}
		options.Known = entry.Lesson
	}
	report, err := enginetest.Run(s.ctx, target, options)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(s.stdout).Encode(report)
	} else {
		err = report.WriteText(s.stdout)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if bad := report.Unexpected(); len(bad) > 0 {
		return fmt.Errorf("%s fails %d of the kit's cases, the first is %s", c.URL, len(bad), bad[0].Name)
	}
	return nil
}
