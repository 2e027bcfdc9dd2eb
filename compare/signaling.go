package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"signalbench/compare/internal/orchestrate"
	"signalbench/results"
)

// meeting are the workloads whose clients reach each other, and that are nothing
// without a protocol above WebSocket.
var meeting = []string{results.WorkloadSignal, results.WorkloadBroadcast, results.WorkloadBroadcastClosed}

// echoing are the workloads that are answered by the same message, with or without
// a protocol.
var echoing = []string{results.WorkloadEcho, results.WorkloadEchoClosed, results.WorkloadChurn}

// publishing are the workloads whose messages are published to subscribers.
var publishing = []string{results.WorkloadPush}

// first is the first of the workloads that is in list; empty if none is.
func first(workloads, list []string) string {
	for _, w := range workloads {
		if slices.Contains(list, w) {
			return w
		}
	}
	return ""
}

// signaling changes a profile to what its workloads need if one of them is about
// rooms or storms.
func (p *profile) signaling(quick, thorough bool) {
	l := &p.load
	if first(l.Workloads, publishing) != "" {
		l.Channels.Proto, l.Rate, l.Conns = orchestrate.Channel, "1000/s", 5000
		if quick {
			l.Conns = 1000
		}
		return
	}
	storm := slices.Contains(l.Workloads, results.WorkloadStorm)
	if first(l.Workloads, meeting) == "" && !storm {
		return
	}
	l.Conns = 5000
	if quick {
		l.Conns = 1000
	}
	if first(l.Workloads, echoing) == "" {
		l.Channels.Proto = orchestrate.Phoenix
	}
	if slices.Contains(l.Workloads, results.WorkloadSignal) {
		l.Channels.Swarm = swarm
		if !quick && !thorough {
			l.Window = 5 * time.Second // sessions are fewer than echoes
		}
	}
	if slices.ContainsFunc(l.Workloads, orchestrate.Broadcasts) {
		// One room of 5,000 takes a core for 50 to 100 ms: at 5/s a message need
		// not wait for the one before. Before and after each of both windows the
		// bare loop takes its time as well, 3 s.
		l.Rate, l.InFlight, l.Yardstick, l.Plateaus = "5/s", 1, true, 3
	}
	if storm {
		l.Storm = orchestrate.Storm{By: results.StormRestart, Backoffs: []string{"none", "100ms..10s"}}
	}
}

// broadcasts makes a broadcast both a closed and an open loop, unless the flags or
// the workloads name one of them.
func (c *runCommand) broadcasts(l *orchestrate.Load) {
	i := slices.Index(l.Workloads, results.WorkloadBroadcast)
	if i < 0 || slices.Contains(l.Workloads, results.WorkloadBroadcastClosed) {
		return
	}
	closed, open := c.InFlight > 0, c.Rate != ""
	switch {
	case closed == open:
		l.Workloads = slices.Insert(slices.Clone(l.Workloads), i, results.WorkloadBroadcastClosed)
	case closed:
		l.Workloads = slices.Clone(l.Workloads)
		l.Workloads[i] = results.WorkloadBroadcastClosed
	}
}

// signaling takes over the flags about rooms, storms and adversaries, and refuses
// what cannot be in one run.
func (c *runCommand) signaling(l *orchestrate.Load) error {
	switch c.Proto {
	case "":
	case "none":
		l.Channels.Proto = ""
	default:
		l.Channels.Proto = c.Proto
	}
	set(&l.Channels.Version, c.Vsn)
	set(&l.Channels.Topic, c.Topic)
	set(&l.Channels.Event, c.Event)
	set(&l.Channels.Rooms, c.Rooms)
	set(&l.Channels.Publishers, c.Publishers)
	set(&l.Channels.Swarm, c.Swarm)
	set(&l.Channels.Contacts, c.Contacts)
	set(&l.Storm.By, c.Storm)
	if len(c.Backoff) > 0 {
		l.Storm.Backoffs = c.Backoff
	}
	l.Adversaries = c.Adversary
	w := first(l.Workloads, meeting)
	switch {
	case w == "" || l.Channels.Proto != "":
	case c.Proto != "":
		return fmt.Errorf("workload %s needs a protocol above WebSocket, and --proto %s has none", w, c.Proto)
	default:
		return fmt.Errorf("workloads %s and %s in one run: %s speaks Phoenix Channels on a path of its own; run them apart, or add --proto phoenix, where an echo is a push and its reply",
			first(l.Workloads, echoing), w, w)
	}
	if err := subscribes(l, c.Proto); err != nil {
		return err
	}
	if l.Channels.Proto != orchestrate.Phoenix {
		if given := c.aboutRooms(); given != "" {
			return fmt.Errorf("%s says something about rooms, of which %s knows nothing: add --proto phoenix", given, strings.Join(l.Workloads, ", "))
		}
	}
	if err := apart(l.Workloads); err != nil {
		return err
	}
	meet(l)
	if c.URL == "" {
		return nil
	}
	switch {
	case slices.Contains(l.Workloads, results.WorkloadStorm) && l.Storm.By == results.StormRestart:
		return errors.New("--storm restart is for servers that are started here, and --url is not: give --storm reset or silence")
	case l.Channels.Proto != "" && !c.SkipConformance:
		return fmt.Errorf("--url with --proto %s: the conformance kit needs an endpoint that echoes; add --skip-conformance", l.Channels.Proto)
	}
	return nil
}

// subscribes refuses what subscribers of channels cannot do, and what only they can;
// proto is the flag.
func subscribes(l *orchestrate.Load, proto string) error {
	push := first(l.Workloads, publishing)
	if l.Channels.Proto != orchestrate.Channel {
		if push != "" {
			return fmt.Errorf("workload %s needs subscribers of channels, and --proto %s has none: leave it out", push, proto)
		}
		return nil
	}
	w := first(l.Workloads, append(slices.Clone(meeting), results.WorkloadEcho, results.WorkloadEchoClosed))
	switch {
	case w == "":
		return nil
	case push != "":
		return fmt.Errorf("workloads %s and %s in one run: what a subscriber of a channel sends is not answered; run them apart", w, push)
	default:
		return fmt.Errorf("workload %s with --proto channel: what a subscriber of a channel sends is not answered", w)
	}
}

// apart refuses workloads that want rooms of different sizes.
func apart(workloads []string) error {
	if !slices.ContainsFunc(workloads, orchestrate.Broadcasts) {
		return nil
	}
	if w := first(workloads, append([]string{results.WorkloadSignal}, echoing...)); w != "" {
		return fmt.Errorf("workloads broadcast and %s in one run: a broadcast is for a large room, and all connections join one before the first workload; run them apart", w)
	}
	return nil
}

// swarm is how many connections share a room unless something else decides it.
const swarm = 10

// meet decides where connections meet, as far as no flag did.
func meet(l *orchestrate.Load) {
	c := &l.Channels
	if c.Proto != orchestrate.Phoenix {
		return
	}
	if c.Topic == "" {
		c.Topic = "room:{n}"
	}
	switch {
	case c.Rooms > 0 || !strings.Contains(c.Topic, "{n}") || slices.Contains(l.Workloads, results.WorkloadSignal):
	case slices.ContainsFunc(l.Workloads, orchestrate.Broadcasts):
		c.Rooms = 1
	case first(l.Workloads, echoing) != "":
		c.Rooms = l.Conns // each alone: what is pushed goes to the others of a room
	default:
		c.Rooms = max(1, l.Conns/swarm)
	}
}

// aboutRooms is the first flag given that says something about rooms; empty if none
// was.
func (c *runCommand) aboutRooms() string {
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"--vsn", c.Vsn != ""}, {"--topic", c.Topic != ""}, {"--event", c.Event != ""}, {"--rooms", c.Rooms != 0},
		{"--publishers", c.Publishers != 0}, {"--swarm", c.Swarm != 0}, {"--contacts", c.Contacts != 0},
	} {
		if f.given {
			return f.name
		}
	}
	return ""
}
