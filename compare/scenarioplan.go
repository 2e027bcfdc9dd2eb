package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"signalbench/compare/internal/orchestrate"
	"signalbench/compare/internal/peers"
	"signalbench/compare/internal/scenario"
	"signalbench/results"
)

// mostBare is up to how many connections a broadcast is compared with a bare fan-out: that
// takes as many again, of which both ends are here.
const mostBare = 400_000

// scenarioLoad is a scenario's workload for so many connections, to a server of so
// many processes: what one connection does stays as it was published. If they are the
// most that fit, its windows are those for that.
func scenarioLoad(sc *scenario.Scenario, conns, shards int, most bool) orchestrate.Load {
	p := profileFor(false, false)
	p.load.Workloads = sc.Load.Workloads
	p.signaling(false, false)
	if shards > 1 {
		p.scale()
	}
	l, from := p.load, sc.Load
	l.Conns, l.Path, l.Ramp, l.Heartbeat, l.Probe = conns, from.Path, "max", from.Heartbeat, from.Probe
	channels := orchestrate.Channels{
		Proto: from.Protocol, Version: from.Version, Topic: from.Topic,
		Rooms: from.Rooms, Swarm: from.Swarm, Contacts: from.Contacts,
	}
	if first(l.Workloads, meeting) != "" {
		set(&channels.Proto, l.Channels.Proto)
		if channels.Swarm == 0 {
			channels.Swarm = l.Channels.Swarm
		}
	}
	l.Channels = channels
	set(&l.Ramp, from.Ramp)
	set(&l.Pending, from.Pending)
	set(&l.Plateaus, from.Plateaus)
	set(&l.Settle, from.Settle)
	set(&l.WarmUp, from.WarmUp)
	set(&l.Window, from.Window)
	if most {
		set(&l.Window, from.MaxWindow)
	}
	set(&l.Storm.By, from.Storm)
	if from.Payload > 0 {
		l.Payload = strconv.Itoa(from.Payload) + "B"
	}
	if len(from.Backoffs) > 0 {
		l.Storm.Backoffs = from.Backoffs
	}
	if perSecond := from.RateAt(conns); perSecond > 0 {
		l.Rate = strconv.FormatFloat(perSecond, 'f', -1, 64) + "/s"
	}
	set(&l.InFlight, sc.InFlightAt(conns))
	l.Flags = scenarioFlags(from.Flags, conns)
	if slices.ContainsFunc(l.Workloads, orchestrate.Broadcasts) && conns > mostBare {
		l.Yardstick = false
	}
	meet(&l)
	return l
}

// scenarioFlags are the flags of a scenario as arguments.
func scenarioFlags(flags []scenario.Flag, conns int) []string {
	var args []string
	for _, f := range flags {
		arg := "--" + strings.TrimPrefix(f.Name, "--")
		if f.Value != "" {
			arg += "=" + f.At(conns)
		}
		args = append(args, arg)
	}
	return args
}

// reproduction is what a suite says about the publication that it repeats.
func reproduction(sc *scenario.Scenario, conns int) *results.Reproduction {
	return &results.Reproduction{
		Scenario: sc.Name, Title: sc.Title,
		Machine: sc.System.Machine, Cores: sc.System.Cores, Software: sc.System.Software,
		Sources: sc.Sources, Published: sc.Connections, Conns: conns,
		Figures: sc.Figures, Assumed: sc.Assumed, Caveats: sc.Caveats,
	}
}

// A scenarioServer is an arm with the flags that depend on the number of connections.
type scenarioServer struct {
	orchestrate.Arm
	flags []scenario.Flag
}

// scenarioServers are what a scenario is run against: the arms that are asked for, or
// all of its own. Any engine can be asked for as well. A peer that cannot be started is
// left out, and missing says why.
func scenarioServers(sc *scenario.Scenario, asked []string, engines []entry) (list []scenarioServer, missing []string, err error) {
	chosen := sc.Arms
	if len(asked) > 0 {
		chosen = nil
		for _, name := range asked {
			a, err := scenarioArm(sc, name, engines)
			if err != nil {
				return nil, nil, err
			}
			chosen = append(chosen, a)
		}
	}
	for _, a := range chosen {
		arm, err := scenarioServerOf(sc, a, engines)
		var absent *absentError
		switch {
		case errors.As(err, &absent):
			missing = append(missing, err.Error())
			continue
		case err != nil:
			return nil, nil, fmt.Errorf("%s: arm %s: %w", sc.File, a.Name, err)
		}
		arm.Name = a.Name
		arm.IdleBytes += memberBytes[sc.Load.Protocol]
		set(&arm.Summary, a.Summary)
		list = append(list, scenarioServer{arm, a.Flags})
	}
	return list, missing, nil
}

// memberBytes is about what a server of ours keeps for a connection beyond what it takes
// after an echo, rounded up: of a subscriber of a channel of its own and of a member of
// a room (README tells how both were measured). It decides whether a number of
// connections is tried at all, and is in no result.
var memberBytes = map[string]int{"channel": 200, "phoenix": 200}

// An absentError is a server that is known and not there.
type absentError struct{ error }

// scenarioServerOf is an arm as a server that can be started.
func scenarioServerOf(sc *scenario.Scenario, a scenario.Arm, engines []entry) (orchestrate.Arm, error) {
	switch {
	case a.TCP != "":
		return tcpArm(a.TCP), nil
	case a.Peer != "":
		if _, err := peers.Find(a.Peer); err != nil {
			return orchestrate.Arm{}, err
		}
		arms, err := peers.Arms([]string{a.Peer}, sc.Load.Protocol != "")
		if err != nil {
			return orchestrate.Arm{}, &absentError{err}
		}
		arms[0].Program.Engine = a.Peer
		return arms[0], nil
	}
	arms, err := choose(engines, []string{a.Engine})
	if err != nil {
		return orchestrate.Arm{}, err
	}
	arms[0].Engine = a.Engine
	return arms[0], nil
}

// scenarioArm finds an arm of the scenario, or makes one of an engine.
func scenarioArm(sc *scenario.Scenario, name string, engines []entry) (scenario.Arm, error) {
	for _, a := range sc.Arms {
		if a.Name == name {
			return a, nil
		}
	}
	if slices.ContainsFunc(engines, func(e entry) bool { return e.Name == name }) {
		return scenario.Arm{Name: name, Engine: name}, nil
	}
	var own, others []string
	for _, a := range sc.Arms {
		own = append(own, a.Name)
	}
	for _, e := range engines {
		if !slices.Contains(own, e.Name) {
			others = append(others, e.Name)
		}
	}
	return scenario.Arm{}, fmt.Errorf("%s has no arm %q; it has %s, and any engine can stand beside them: %s", sc.Name, name, strings.Join(own, ", "), strings.Join(others, ", "))
}

// oneProcess reports whether an arm's server must be one process for this load, because
// it can be no more or because all of a room must be in it.
func oneProcess(a orchestrate.Arm, l orchestrate.Load) bool {
	return !a.OwnTables && (a.Program != nil || l.Meets())
}
