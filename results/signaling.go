package results

import "time"

// Names of workloads, as in Spec.Workloads.
const (
	WorkloadHold            = "hold"
	WorkloadEcho            = "echo"
	WorkloadEchoClosed      = "echo-closed"
	WorkloadChurn           = "churn"
	WorkloadSignal          = "signal"
	WorkloadBroadcast       = "broadcast"
	WorkloadBroadcastClosed = "broadcast-closed"
	WorkloadStorm           = "storm"
	WorkloadPush            = "push"    // messages published to the channel of one connection each
	WorkloadHongbao         = "hongbao" // red envelopes: shake, be told of a gift, grab a share
)

// Signal is what a phase of workload signal did beyond its operations. An operation
// is one session: a peer that has left its swarm joins it again, at a time that is
// set in advance, and signals to some others: an offer to each, an answer back, and
// candidates both ways. It is completed when all of its messages have arrived.
type Signal struct {
	Swarms     int `json:"swarms"`     // rooms
	Size       int `json:"size"`       // peers of a swarm
	Contacts   int `json:"contacts"`   // others that a joiner signals to
	Candidates int `json:"candidates"` // of each side, to each contact
	// Trickle is how long after its offer or answer each further candidate was due.
	Trickle time.Duration `json:"trickle_ns"`

	Joins   Ops `json:"joins"`   // phx_join: due to its reply
	Relays  Ops `json:"relays"`  // offers, answers and candidates: each is for one peer
	Notices Ops `json:"notices"` // of presence: each join, to each other peer of the swarm

	Answers uint64 `json:"answers"` // of Relays, the answers that came
	Told    uint64 `json:"told"`    // joins that all others were told of
}

// Fanout is what a phase of workload broadcast did beyond its operations. An operation
// is one published message; it is completed when every receiver has it.
type Fanout struct {
	Rooms      int `json:"rooms"`
	Receivers  int `json:"receivers"`  // of one message
	Publishers int `json:"publishers"` // in all rooms together
	// Deliveries counts each message once for each receiver.
	Deliveries Ops `json:"deliveries"`
	// Busy is for how long at least one message was on its way, and PerSecond how
	// many deliveries there were in a second of that.
	Busy      time.Duration `json:"busy_ns"`
	PerSecond float64       `json:"deliveries_per_s"`
	// Bare is nil unless the run measured it.
	Bare *BareFanout `json:"bare,omitempty"`
}

// BareFanout is a yardstick: a loop of write(2) over as many TCP connections of
// loopback, frames of the same size, and a bare epoll reader at the other end; no
// WebSocket, no room. It is measured in the same run, in turn with what it is
// compared with.
type BareFanout struct {
	Conns     int       `json:"conns"`
	Bytes     int       `json:"bytes"`            // of one write
	PerSecond float64   `json:"deliveries_per_s"` // median of the rounds
	Rounds    []float64 `json:"rounds_per_s"`
}

// Pings are the empty messages that a server of channels sends at intervals to each
// connection, from before the first connection until all are closed. As it goes on
// sending, what it has sent is read before and after what has come is counted.
type Pings struct {
	Sent     uint64 `json:"sent"` // by the time that received was counted, at least
	SentMost uint64 `json:"sent_most"`
	Received uint64 `json:"received"`
}

// What ends all connections in a storm, as Storm.By and Spec.Storm name it.
const (
	StormReset   = "reset"   // the generator resets them
	StormSilence = "silence" // the generator falls silent, the server ends them
	StormRestart = "restart" // the server's process ends, and starts again
)

// Storm is a phase in which every connection was lost at once and dialled again.
type Storm struct {
	By      string `json:"by"`      // what ended the connections: StormReset, StormSilence or StormRestart
	Backoff string `json:"backoff"` // how a client waits before it dials again: "none", or "100ms..10s"
	Open    uint64 `json:"open"`    // connections that were open before
	Lost    uint64 `json:"lost"`    // of them, those that were lost
	Back    uint64 `json:"back"`    // of those, the ones that are open again at the end
	// Ending is from the loss of the first connection to that of the last.
	Ending time.Duration `json:"ending_ns"`
	// Recovery is from the loss of the first connection until the last was back (and,
	// with a protocol above WebSocket, joined again); 0 if not all are back.
	Recovery  time.Duration `json:"recovery_ns"`
	PeakDials float64       `json:"peak_dials_per_s"` // most dials begun in any one second
	PeakBack  float64       `json:"peak_back_per_s"`  // most connections back in any one second
	Attempts  uint64        `json:"attempts"`         // dials begun
	// Failures is the attempts that failed, by cause: dials, and what a connection
	// begins with where that belongs to being back.
	Failures map[Cause]uint64 `json:"failures,omitempty"`
}

// Adversary is one kind of bad client beside the healthy ones of a phase.
type Adversary struct {
	Kind  string `json:"kind"`  // as --adversary names it
	Count int    `json:"count"` // at once
	// Opened is how often one of them connected, Ended how often the server ended it
	// or refused it, Sent how many bytes they have sent.
	Opened uint64           `json:"opened"`
	Ended  uint64           `json:"ended"`
	Sent   uint64           `json:"sent_bytes"`
	Causes map[Cause]uint64 `json:"causes,omitempty"` // of Ended
}

// Names of metrics of signaling.
const (
	MetricJoin     = "join"            // phx_join due to its reply
	MetricRelay    = "relay"           // a message to one peer: due to received by that peer
	MetricAnswer   = "answer"          // an offer due to its answer received
	MetricPresence = "presence"        // a join due to the last of the others told of it
	MetricDelivery = "delivery"        // a broadcast due to received, by each receiver
	MetricFirst    = "first-delivery"  // a broadcast due to received by the first
	MetricMedian   = "median-delivery" // by half of its receivers
	MetricP99      = "p99-delivery"    // by 99 % of them
	MetricRecovery = "recovery"        // the loss of a connection to its return
)
