package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"signalbench/compare/internal/format"
	"signalbench/compare/internal/orchestrate"
	"signalbench/compare/internal/scenario"
	"signalbench/compare/internal/table"
)

// reproduceCommand repeats what somebody published, at the scale that is asked for.
type reproduceCommand struct {
	Name     string        `arg:"" optional:"" help:"What to reproduce; --list tells what there is."`
	List     bool          `help:"List what can be reproduced."`
	Scenario string        `help:"A scenario file of your own, instead of a name." placeholder:"FILE" type:"path"`
	Conns    int           `help:"Connections (default: that of the scenario)." placeholder:"N" xor:"size"`
	Scale    scale         `help:"Connections as a part of the published ones: 1/20, 0.05 or 5%." placeholder:"PART" xor:"size"`
	Max      bool          `help:"As many connections as were published, or as this machine holds, whichever is fewer." xor:"size"`
	Arms     []string      `help:"Servers: some of the scenario's own, or any engine (default all of the scenario's)." placeholder:"NAME,..." aliases:"engines"`
	Window   time.Duration `help:"Length of each measurement window (default: that of the scenario)." placeholder:"DURATION"`
	Reps     int           `help:"Repetitions, interleaved." placeholder:"N" default:"1"`
	Out      string        `help:"Folder for the results; it must not exist (default results/runs/ID)." placeholder:"DIR" type:"path"`
	Seed     uint64        `help:"Decides the order of the servers; 0 draws one, which is recorded." default:"0"`
	Bin      string        `help:"Folder with ready binaries server and loadgen, instead of building them." placeholder:"DIR" type:"path"`
}

// Run asks the doctor, measures, and puts published beside measured.
func (c *reproduceCommand) Run(s *session) error {
	if c.List {
		return listScenarios(s)
	}
	sc, err := c.scenario()
	if err != nil {
		return err
	}
	if c.Conns < 0 || c.Reps < 1 {
		return fmt.Errorf("--conns %d --reps %d: both must be at least 1", c.Conns, c.Reps)
	}
	conns, err := c.conns(sc)
	if err != nil {
		return err
	}
	out, err := resultFolder(s, c.Out, c.Bin, sc.Name)
	if err != nil {
		return err
	}
	bin, err := binaries(s, c.Bin)
	if err != nil {
		return err
	}
	defer bin.Close() // a temporary folder; nothing is lost if it stays
	engines, err := listEngines(s.ctx, bin.Server)
	if err != nil {
		return err
	}
	servers, missing, err := scenarioServers(sc, c.Arms, engines)
	if err != nil {
		return err
	}
	for _, m := range missing {
		fmt.Fprintf(s.stderr, "compare: left out: %s\n", m)
	}
	if len(servers) == 0 {
		return fmt.Errorf("%s: nothing is left to measure: %s", sc.Name, strings.Join(missing, "; "))
	}
	switch {
	case c.Max && sc.Load.MaxAlready:
		fmt.Fprintf(s.stderr, "compare: --max: the default of %s is all that makes sense for this workload\n", format.Whole(float64(sc.Default)))
	case c.Max:
		if conns, err = mostOf(s, sc, servers, bin.Loadgen); err != nil {
			return err
		}
	}
	plan, err := scenarioPlan(sc, conns, c.Max, servers)
	if err != nil {
		return err
	}
	set(&plan.Load.Window, c.Window)
	plan.Command, plan.Out, plan.Repetitions, plan.Seed = append([]string{"compare"}, s.args...), out, c.Reps, seed(c.Seed)
	for _, m := range missing {
		plan.Reproduction.Caveats = append(plan.Reproduction.Caveats, "Not measured here: "+m+".")
	}
	if err := fits(s.ctx, bin.Loadgen, plan.Load, plan.Shards, plan.Arms, true); err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "compare: the doctor finds room for %s connections; %s published: N/published = %s\n",
		format.Whole(float64(conns)), format.Whole(float64(sc.Connections)), format.Part(plan.Reproduction.Scale()))
	if conns > sc.Connections {
		fmt.Fprintf(s.stderr, "compare: that is more than was published\n")
	}
	return carryOut(s, bin, plan)
}

// scenario reads the one that is named, or the file.
func (c *reproduceCommand) scenario() (*scenario.Scenario, error) {
	switch {
	case c.Name != "" && c.Scenario != "":
		return nil, fmt.Errorf("both %s and --scenario %s: a name is for what is in the program, --scenario for a file of your own", c.Name, c.Scenario)
	case c.Scenario != "":
		return scenario.Open(c.Scenario)
	case c.Name != "":
		return scenario.Find(c.Name)
	}
	return nil, errors.New("reproduce what? compare reproduce --list tells what there is")
}

// listScenarios tells what can be reproduced.
func listScenarios(s *session) error {
	list, err := scenario.Embedded()
	if err != nil {
		return err
	}
	t := &table.Table{
		Title: "What can be reproduced",
		Columns: []table.Column{
			{Head: "Name", Text: true}, {Head: "System", Text: true, Wrap: 34}, {Head: "connections", Unit: "published"}, {Head: "", Unit: "here by default"},
			{Head: "What is measured", Text: true, Wrap: 60},
		},
	}
	for _, sc := range list {
		t.Add(sc.Name, sc.Title, format.Whole(float64(sc.Connections)), format.Whole(float64(sc.Default)), sc.Summary).Group = true
	}
	t.Note("compare reproduce NAME measures at the default; --conns N, --scale 1/20 or --max decide how many connections there are.")
	return t.WriteText(s.stdout)
}

// conns is how many connections there are to be, unless it is as many as fit.
func (c *reproduceCommand) conns(sc *scenario.Scenario) (int, error) {
	switch {
	case c.Conns > 0:
		return c.Conns, nil
	case c.Scale > 0:
		n := math.Round(float64(c.Scale) * float64(sc.Connections))
		if n < 1 || n > math.MaxInt32 {
			return 0, fmt.Errorf("--scale %.3g of %s connections leaves %.0f: must be at least 1 and at most %d", float64(c.Scale), format.Whole(float64(sc.Connections)), n, math.MaxInt32)
		}
		return int(n), nil
	}
	return sc.Default, nil
}

// scenarioPlan is what a scenario asks for with so many connections, all but how it is
// run.
func scenarioPlan(sc *scenario.Scenario, conns int, most bool, servers []scenarioServer) (orchestrate.Plan, error) {
	shards, err := orchestrate.Shards(conns)
	if err != nil {
		return orchestrate.Plan{}, err
	}
	plan := orchestrate.Plan{
		Title:  fmt.Sprintf("%s: %s, with %s connections", sc.Name, sc.Title, format.Whole(float64(conns))),
		Load:   scenarioLoad(sc, conns, shards, most),
		Shards: shards, Reproduction: reproduction(sc, conns),
		NoClaim: "one repetition: nothing is claimed about differences between servers",
	}
	for _, server := range servers {
		arm := server.Arm
		arm.Flags = scenarioFlags(server.flags, conns)
		plan.Arms = append(plan.Arms, arm)
	}
	if sc.UpgradeBenchmark {
		plan.Benchmark = []string{"bench", "upgrade", "--json"}
	}
	return plan, nil
}
