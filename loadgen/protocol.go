package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/trial"
	"signalbench/server/phoenix"
)

// protocol is what is spoken above WebSocket, nil for nothing, and where to connect
// for it.
func (c *runCommand) protocol() (*channel.Protocol, []string, error) {
	if c.Proto == "" || c.Proto == trial.Subscribes {
		return nil, c.URL, nil
	}
	for _, raw := range c.URL {
		if strings.HasPrefix(raw, "tcp:") {
			return nil, nil, fmt.Errorf("--proto %s is spoken above WebSocket, and %s is plain TCP: leave it out", c.Proto, raw)
		}
	}
	signals := slices.Contains(c.Workload, trial.Signal)
	var asked phoenix.Version
	if c.Vsn != "" {
		var err error
		if asked, err = phoenix.ParseVersion(c.Vsn); err != nil {
			return nil, nil, fmt.Errorf("--vsn: %w", err)
		}
	}
	p := &channel.Protocol{
		Topic: cmp.Or(c.Topic, "room:bench"), Rooms: c.Rooms, Join: []byte(c.join()), Event: c.Event, Binary: c.Binary,
	}
	if signals {
		if c.Swarm < 1 {
			return nil, nil, fmt.Errorf("--swarm %d: a swarm has two peers at least", c.Swarm)
		}
		p.Topic, p.Swarm = cmp.Or(c.Topic, "room:s"+channel.Placeholder), uint32(c.Swarm)
		if err := channel.CheckMarked(p.Join); err != nil {
			return nil, nil, err
		}
	}
	urls := make([]string, len(c.URL))
	for i, raw := range c.URL {
		url, version, err := channel.Address(raw, asked)
		if err != nil {
			return nil, nil, err
		}
		if i > 0 && version != p.Version {
			return nil, nil, fmt.Errorf("URLs %q and %q ask for two versions of the protocol: use one in a run", c.URL[0], raw)
		}
		urls[i], p.Version = url, version
	}
	if c.PushPayload != nil {
		p.Push = []byte(*c.PushPayload)
		return p, urls, nil
	}
	var err error
	if p.Push, err = channel.Filler(int(c.Payload), c.Binary); err != nil {
		return nil, nil, fmt.Errorf("--payload: %w", err)
	}
	return p, urls, nil
}

// join is the payload of a join. A room of very many has no presence, and whoever
// only broadcasts needs no replies, whose cost would be measured as well.
func (c *runCommand) join() string {
	const none = "{}"
	if c.JoinPayload != none || !slices.ContainsFunc(c.Workload, trial.Broadcasts) || slices.Contains(c.Workload, trial.Signal) {
		return c.JoinPayload
	}
	for _, w := range c.Workload {
		if !trial.Broadcasts(w) && w != trial.Hold {
			return `{"presence":false}`
		}
	}
	return `{"presence":false,"ack":false}`
}
