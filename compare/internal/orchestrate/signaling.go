package orchestrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"signalbench/results"
)

// The paths of our server that loads go to, and that of its admin listener where a
// POST restarts it.
const (
	echoPath    = "/echo"
	channelPath = "/socket/websocket"
	namedPath   = "/channel/{i}" // a channel for each connection
	restartPath = "/restart"
	hongbaoPath = "/hongbao"
)

// What clients can speak above WebSocket.
const (
	// Phoenix is Phoenix Channels: connections join rooms.
	Phoenix = "phoenix"
	// Channel is what subscribers of channels speak, which is nothing: each names a
	// channel by its path, and what reaches it is published through the admin listener.
	Channel = "channel"
)

// Channels is what clients speak above WebSocket and where they meet. The zero
// value is nothing: messages are echoed as they are. Whatever is 0 or empty
// besides Proto is left to the load generator.
type Channels struct {
	Proto      string // Phoenix, Channel, or empty
	Version    string // of the serializer, for example "1.0.0"
	Topic      string // what connections join
	Event      string // of a push
	Rooms      int
	Publishers int // broadcast: connections that publish, in all rooms together
	Swarm      int // signal: peers of a room
	Contacts   int // signal: others that a joiner signals to
}

func (c Channels) args(workloads []string) []string {
	if c.Proto == "" {
		return nil
	}
	args := []string{"--proto", c.Proto}
	if c.Proto == Channel {
		return args
	}
	for _, f := range []struct{ name, value string }{{"--vsn", c.Version}, {"--topic", c.Topic}, {"--event", c.Event}} {
		if f.value != "" {
			args = append(args, f.name, f.value)
		}
	}
	number := func(name string, v int) {
		if v > 0 {
			args = append(args, name, strconv.Itoa(v))
		}
	}
	number("--rooms", c.Rooms)
	if slices.ContainsFunc(workloads, Broadcasts) {
		number("--publishers", c.Publishers)
	}
	if slices.Contains(workloads, results.WorkloadSignal) {
		number("--swarm", c.Swarm)
		number("--contacts", c.Contacts)
	}
	return args
}

// Storm says how all connections are lost at once, and how clients come back.
type Storm struct {
	By       string   // results.StormReset and its like
	Backoffs []string // "none" or "100ms..10s"; a storm for each
}

func (s Storm) args() []string {
	return []string{"--storm", s.By, "--backoff", strings.Join(s.Backoffs, ",")}
}

const (
	// oneStorm is about how long it takes until all connections are back.
	oneStorm = 3 * time.Second
	// bareFanout is about how long the bare loop takes that broadcasts are
	// compared with, once before each and once after.
	bareFanout = 3 * time.Second
	// longestStorm is how long the load generator waits for the two halves of one:
	// until all connections are lost, and until all are back.
	longestStorm = 2 * time.Minute
)

// storms is how many there are in a step.
func (l Load) storms() int {
	n := 0
	for _, w := range l.Workloads {
		if w == results.WorkloadStorm {
			n += len(l.Storm.Backoffs)
		}
	}
	return n
}

// restarts reports whether the server is restarted while it is measured.
func (l Load) restarts() bool {
	return l.Storm.By == results.StormRestart && slices.Contains(l.Workloads, results.WorkloadStorm)
}

// envelopes reports whether connections are users of red envelopes.
func (l Load) envelopes() bool { return slices.Contains(l.Workloads, results.WorkloadHongbao) }

// Meets reports whether clients reach each other through the server, so that all
// of a room, or all red envelopes, must be in one process.
func (l Load) Meets() bool {
	return l.envelopes() || slices.Contains(l.Workloads, results.WorkloadSignal) || slices.ContainsFunc(l.Workloads, Broadcasts)
}

// Broadcasts reports whether a workload is for all of a room.
func Broadcasts(workload string) bool {
	return workload == results.WorkloadBroadcast || workload == results.WorkloadBroadcastClosed
}

// at is where a load goes on a server whose echo is at the URL.
func (l Load) at(echo string) string {
	base, ours := strings.CutSuffix(echo, echoPath)
	switch {
	case !ours:
		return echo // it has no paths
	case l.Path != "":
		return base + l.Path
	case l.envelopes():
		return base + hongbaoPath
	case l.Channels.Proto == Channel:
		return base + namedPath
	case l.Channels.Proto != "":
		return base + channelPath
	}
	return echo
}

// checkRooms refuses a load whose clients meet in a server of several processes.
func (p *Plan) checkRooms() error {
	if p.Shards <= 1 || !p.Load.Meets() {
		return nil
	}
	for _, a := range p.Arms {
		if a.Foreign == nil && !a.OwnTables {
			return fmt.Errorf("%d connections take %d processes of %s under this limit of descriptors (ulimit -n), and a room is in one process, as red envelopes are: ask for fewer connections, or for engines that hold them all in one",
				p.Load.Conns, p.Shards, a.Name)
		}
	}
	return nil
}
