package main

import (
	"cmp"
	"fmt"

	"signalbench/loadgen/internal/doctor"
	"signalbench/loadgen/internal/sock"
)

// doctorCommand is the flags of "loadgen doctor".
type doctorCommand struct {
	Conns        int64 `required:"" help:"Connections to be open at once."`
	ServerPID    int   `name:"server-pid" placeholder:"PID" help:"The server's process, if it runs already."`
	ClientOnly   bool  `help:"The server is on another machine: look at this side alone."`
	Destinations int64 `default:"1" help:"Addresses with ports that the server listens on."`
	Sources      int64 `help:"Addresses that connections come from; 0 means as many as it takes, as over loopback."`
	Shards       int64 `help:"Processes that the server is going to be; 0 means as many as the limit of descriptors (ulimit -n) asks for."`
	ServerTables int64 `help:"Descriptor tables among which one process of the server is going to divide the connections; with them, --shards is 1 by default."`
	ServerBytes  bytes `help:"User-space bytes that a connection takes in the server; by default those of a dear one."`
	Pending      int64 `default:"512" help:"Most dials in progress at once."`
	JSON         bool  `name:"json" xor:"form" help:"Write JSON."`
	Sysctl       bool  `xor:"form" help:"Write the kernel settings that are too low with the values that they need, in the form of sysctl.conf, and nothing else; what they cannot make fit is no error."`
}

// Run prints the limits. A limit that is too low is an error.
func (c *doctorCommand) Run(s *session) error {
	if c.Conns < 1 {
		return fmt.Errorf("--conns %d: there must be at least one connection", c.Conns)
	}
	lanes := defaultLanes(int(c.Conns))
	tables, err := groups(int(c.Conns), lanes, 0, 0)
	if err != nil {
		return err
	}
	shards := c.Shards
	if shards == 0 && c.ServerTables > 1 {
		shards = 1
	}
	if shards == 0 {
		limit, err := sock.DescriptorLimit()
		if err != nil {
			return err
		}
		shards = doctor.Processes(c.Conns, int64(limit))
	}
	plan := doctor.Plan{
		Tables: int64(tables * lanes), Shards: shards, ServerTables: c.ServerTables, ServerBytes: int64(c.ServerBytes),
		Conns: c.Conns, ServerHere: !c.ClientOnly, ServerPID: c.ServerPID,
		Destinations: c.Destinations, Sources: c.Sources, Pending: c.Pending,
	}
	limits := doctor.Check(plan)
	report := doctor.NewReport(plan, limits)
	write := report.WriteText
	switch {
	case c.JSON:
		write = report.WriteJSON
	case c.Sysctl:
		write = report.WriteSettings
	}
	if err := write(s.stdout); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if c.Sysctl {
		if report.Raised < c.Conns {
			fmt.Fprintf(s.stderr, "no setting makes %d connections fit: there is memory for %d where one takes %d B in the server\n",
				c.Conns, report.Raised, cmp.Or(int64(c.ServerBytes), doctor.DefaultServerBytes))
		}
		return nil
	}
	if !report.OK {
		return fmt.Errorf("%d connections do not fit, %d do", c.Conns, report.Fits)
	}
	return nil
}
