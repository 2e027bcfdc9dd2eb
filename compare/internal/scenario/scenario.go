// Package scenario knows what others published about very many connections: one
// file for each system, with its workload, its figures, where each of them was read
// and how far it can be trusted. The files are data, embedded, and anybody can write
// one of his own.
//
// The package must not know how a workload is run or how a figure is shown.
package scenario

import (
	"time"

	"signalbench/results"
)

// A Scenario is one published system and how to run its workload here. It is
// read-only.
type Scenario struct {
	File    string // where it was read, for messages
	Name    string // what compare reproduce takes, for example "goroutines-10m"
	Title   string // of the publication
	Summary string // one line for the list
	System  System
	Sources []results.Source // by key, in the order of the file
	// Connections is the published number.
	Connections int
	// Default is how many are opened unless somebody asks for others: as many as any
	// laptop holds, in a run of less than five minutes.
	Default int
	Load    Load
	Arms    []Arm // one or more
	// Figures are what was published, in the order in which they are shown.
	Figures []results.PublishedFigure
	// Assumed is what the publication does not say and was chosen here, Caveats why a
	// figure here and there may not be the same thing.
	Assumed, Caveats []string
	// UpgradeBenchmark says that the opening handshake is timed by itself as well.
	UpgradeBenchmark bool
}

// A System is the machine that somebody published about.
type System struct {
	Machine  string // as published; empty if it was not told
	Cores    int    // logical ones; 0 if that was not told
	Software string
}

// A Load is the workload of a scenario, for any number of connections.
type Load struct {
	Workloads []string // as results names them
	Path      string   // of the URL, with "{i}" for the connection's number; empty: chosen by the workload
	Protocol  string   // Phoenix, Channels or empty
	Topic     string   // of Protocol
	Version   string   // of its serializer
	Rooms     int      // 0: chosen by the workload
	Swarm     int      // signal: peers of a room
	Contacts  int      // signal: others that a joiner signals to
	Payload   int      // bytes; 0 is 128
	Ramp      string   // "max", or a rate such as "1000/s"
	Pending   int      // most dials in progress; 0 leaves it to the load generator
	Plateaus  int      // 0 is 5
	// Rate is that of the whole, whatever the scale; Each is the interval of one
	// connection, so that the rate grows with them. At most one is set; see
	// [Load.RateAt].
	Rate float64 // per second
	Each time.Duration
	// InFlight is how many messages of a closed loop were outstanding at the published
	// number of connections; it is scaled like them, see [Scenario.InFlightAt].
	InFlight   int
	Heartbeat  time.Duration // hold
	Probe      time.Duration // hold
	Settle     time.Duration
	WarmUp     time.Duration
	Window     time.Duration
	MaxWindow  time.Duration // the window where as many connections as possible are asked for; 0 is Window
	Storm      string        // storm: reset, silence or restart
	Backoffs   []string      // storm
	Flags      []Flag        // further ones of the load generator
	MaxAlready bool          // the default is all that the workload makes sense for: --max changes nothing
}

// A Flag is a command-line flag, without its dashes. In its value "{conns}" stands
// for the number of connections and "{conns/N}" for a part of them; see [Flag.At].
type Flag struct{ Name, Value string }

// An Arm is a server that the workload is run against.
type Arm struct {
	Name    string
	Summary string
	Engine  string // of our server; empty if TCP or Peer is set
	TCP     string // kind of our server without WebSocket
	Peer    string // a server that is not ours
	Flags   []Flag // of our server
}
