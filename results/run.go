package results

import "time"

// SchemaRun names the format of run.json. It changes when a reader of the old
// format would misread the new one.
const SchemaRun = "signalbench.run/v1"

// A Run is everything one load generator reports: what was asked, where it
// ran, what was counted and measured, and the reasons to distrust it.
type Run struct {
	Schema  string    `json:"schema"`
	ID      string    `json:"id"`    // unique, sorts by start time
	Label   string    `json:"label"` // the arm, for example "netpoll"; may be empty
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Partial marks a run that was stopped before its plan ended.
	Partial bool `json:"partial"`

	Spec     Spec      `json:"spec"`
	Env      Env       `json:"env"`
	Target   Target    `json:"target"`
	ClientGC *GCPauses `json:"client_gc,omitempty"` // of the load generator, as Target.GC
	// Yardstick is nil unless the run measured one.
	Yardstick *Yardstick `json:"yardstick,omitempty"`
	// Pings compares what the server of channels says it sent by itself with what came;
	// nil if it does not say, or nobody subscribed.
	Pings    *Pings    `json:"pings,omitempty"`
	Phases   []Phase   `json:"phases"` // in the order in which they ran
	Ledger   *Ledger   `json:"ledger,omitempty"`
	Findings []Finding `json:"findings"`
	Verdict  Verdict   `json:"verdict"`
}

// A Spec is what was asked of the load generator, with defaults filled in.
type Spec struct {
	Command   []string `json:"command"` // argv
	URL       string   `json:"url"`
	Workloads []string `json:"workloads"` // in order

	Conns     int     `json:"conns"`
	Plateaus  int     `json:"plateaus"`      // ledger samples on the way to Conns
	Ramp      float64 `json:"ramp_per_s"`    // upgrades per second; 0: as fast as possible
	Pending   int     `json:"pending"`       // most dials in progress at once
	FirstEcho bool    `json:"first_echo"`    // each connection echoes once after its upgrade
	Lanes     int     `json:"lanes"`         // event loops
	Payload   int     `json:"payload_bytes"` // message payload
	Binary    bool    `json:"binary"`

	Rate     float64 `json:"rate_per_s,omitempty"` // open loop: messages per second, all connections together
	InFlight int     `json:"in_flight,omitempty"`  // closed loop: outstanding messages, all connections together

	Settle      time.Duration `json:"settle_ns"`
	WarmUp      time.Duration `json:"warm_up_ns"`
	Window      time.Duration `json:"window_ns"`
	Drain       time.Duration `json:"drain_ns"` // longest wait for outstanding operations
	DialTimeout time.Duration `json:"dial_timeout_ns"`
	Lifetime    time.Duration `json:"lifetime_ns,omitempty"` // churn: mean time that a connection lives
	// Hold: each connection is sent a ping (RFC 6455 section 5.5.2) once in
	// Heartbeat, 0 for none, and has HeartbeatTimeout to answer it; every Probe,
	// 0 for none, one connection of all echoes a message.
	Heartbeat        time.Duration `json:"heartbeat_ns,omitempty"`
	HeartbeatTimeout time.Duration `json:"heartbeat_timeout_ns,omitempty"`
	Probe            time.Duration `json:"probe_ns,omitempty"`
	// Silence is after how long a connection that hears nothing is ended by this side, 0
	// for never.
	Silence   time.Duration `json:"silence_ns,omitempty"`
	CloseRate float64       `json:"close_rate_per_s,omitempty"` // most closing handshakes begun in a second; 0: chosen
	// Storm: what ends all connections, as Storm.By; how clients wait before they
	// dial again, one storm for each, as Storm.Backoff; and how long each half may
	// take: until all are lost, and from then on until all are back.
	Storm      string        `json:"storm,omitempty"`
	Backoffs   []string      `json:"backoffs,omitempty"`
	StormLimit time.Duration `json:"storm_limit_ns,omitempty"`
	Seed       uint64        `json:"seed"`

	// Proto is what is spoken above WebSocket: "phoenix", "channel" where connections
	// subscribe by their path and messages are published to them, or empty for nothing.
	Proto string `json:"proto,omitempty"`
	// Topic is what connections join: of all, or the beginning of each room's name.
	Topic string `json:"topic,omitempty"`
	Rooms int    `json:"rooms,omitempty"`
	// Publishers is how many members of each room publish in workload broadcast.
	Publishers int `json:"publishers,omitempty"`
	// Swarm is how many peers a swarm of workload signal has, Contacts how many of
	// them a joiner signals to.
	Swarm    int `json:"swarm,omitempty"`
	Contacts int `json:"contacts,omitempty"`
	// Candidates is how many follow each offer and each answer, and Trickle how long
	// after it, and after each other, they are due.
	Candidates int           `json:"candidates,omitempty"`
	Trickle    time.Duration `json:"trickle_ns,omitempty"`
	// Adversaries are bad clients beside the healthy ones: each workload runs first
	// without and then with them.
	Adversaries []Adversary `json:"adversaries,omitempty"`
}

// Target is the server that was measured, as far as it told.
type Target struct {
	PID    int    `json:"pid,omitempty"`
	Admin  string `json:"admin,omitempty"`  // URL of its admin listener
	Engine string `json:"engine,omitempty"` // by its admin listener
	// Alive says whether the server's process lived, or its admin listener
	// answered, after the last phase; nil if there was no way to ask.
	Alive *bool `json:"alive,omitempty"`
	// Processes is how many processes the server was at the beginning, and Gone
	// which of them had ended by then; 0 and nil where its process is not known.
	Processes int   `json:"processes,omitempty"`
	Gone      []int `json:"gone,omitempty"`
	// Config is the server's effective configuration as its admin listener
	// gives it; compared between the arms of a suite.
	Config map[string]any `json:"config,omitempty"`
	// GC is what the Go runtime did between the first and the last reading of the
	// admin listener, in all processes of the server.
	GC *GCPauses `json:"gc,omitempty"`
}

// PhaseKind is the part that a phase plays in a run.
type PhaseKind string

// The kinds of phases. Only windows make claims about latency and throughput;
// the ramp makes the claims about connecting.
const (
	Ramp     PhaseKind = "ramp"
	Settle   PhaseKind = "settle"
	WarmUp   PhaseKind = "warm-up"
	Window   PhaseKind = "window"
	Drain    PhaseKind = "drain"
	Teardown PhaseKind = "teardown"
)

// Model says what decides when an operation is sent.
type Model string

const (
	// OpenLoop sends at due times, whatever the server does; it reports
	// response time (due to received) and service time (sent to received).
	OpenLoop Model = "open"
	// ClosedLoop sends when an earlier answer arrived; it reports throughput
	// and service time, and no response time.
	ClosedLoop Model = "closed"
	// NoLoad sends nothing.
	NoLoad Model = "none"
)

// A Phase is one stretch of a run with counters and histograms of its own.
//
// An operation belongs to the phase in which it was due (open loop) or sent
// (closed loop), also if its answer arrives during the drain that follows.
type Phase struct {
	Name     string        `json:"name"`     // unique in the run, for example "echo/window"
	Kind     PhaseKind     `json:"kind"`     //
	Workload string        `json:"workload"` // empty for the ramp
	Model    Model         `json:"model"`
	Start    time.Duration `json:"start_ns"` // since Run.Started
	Length   time.Duration `json:"length_ns"`

	Ops   Ops   `json:"ops"`   // messages, or whatever the workload calls an operation
	Dials Dials `json:"dials"` // connections
	// Probes is messages that one connection or another echoes now and then while
	// all are held; they are in no other count.
	Probes Ops `json:"probes,omitzero"`
	// Aside is messages that came and were no answer to this side, as presence and
	// what others send to a room; they are in no other count.
	Aside uint64 `json:"aside,omitempty"`
	// Pings is empty messages by which the server of channels shows each connection that
	// it lives; they are in no other count.
	Pings uint64 `json:"pings,omitempty"`
	// Closing is how the machine took the end of all connections; nil but in a
	// teardown.
	Closing *Closing `json:"closing,omitempty"`
	// What signaling workloads did; nil and empty for others.
	Signal      *Signal     `json:"signal,omitempty"`
	Fanout      *Fanout     `json:"fanout,omitempty"`
	Storm       *Storm      `json:"storm,omitempty"`
	Hongbao     *Hongbao    `json:"hongbao,omitempty"`
	Adversaries []Adversary `json:"adversaries,omitempty"`
	// Offered is the rate of operations asked for, Achieved that of those
	// completed by the end of the phase, per second: what completes later, in
	// the drain, shows that the server did not keep up.
	Offered  float64 `json:"offered_per_s"`
	Achieved float64 `json:"achieved_per_s"`

	Metrics []Metric `json:"metrics"`
	// Usage is what each side consumed during the phase.
	Client Usage `json:"client"`
	Server Usage `json:"server"`
	// ServerGC is what the server's Go runtime did during the phase, a window; nil if
	// it does not tell.
	ServerGC *GCPauses `json:"server_gc,omitempty"`
}

// Metric finds a metric of the phase by name.
func (p *Phase) Metric(name string) (Metric, bool) {
	for _, m := range p.Metrics {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

// Ops counts operations. Scheduled = Completed + Failed + Dropped holds for
// every phase of a run that is not partial; Judge checks it.
type Ops struct {
	Scheduled uint64 `json:"scheduled"`
	Completed uint64 `json:"completed"`
	// Failed were sent and not answered correctly, by cause.
	Failed uint64 `json:"failed"`
	// Dropped were due and never sent: the generator's own limit, or the
	// connection was gone.
	Dropped uint64 `json:"dropped"`
	// Causes divides Failed and Dropped.
	Causes map[Cause]uint64 `json:"causes,omitempty"`
	// Faults of delivery that the sequence numbers showed. Missing and Corrupt
	// messages are also Failed; Duplicate and Reordered ones are extra.
	Missing   uint64 `json:"missing"`
	Duplicate uint64 `json:"duplicate"`
	Reordered uint64 `json:"reordered"`
	Corrupt   uint64 `json:"corrupt"`

	BytesSent     uint64 `json:"bytes_sent"`     // payload
	BytesReceived uint64 `json:"bytes_received"` // payload
}

// Closing is what a teardown saw of the kernel's sockets that no process holds
// any more, read ten times a second from /proc/net/sockstat (of the network
// namespace, both ends where both are in it). An orphan is not closed at both
// ends yet; beyond the limit the kernel resets connections and complains of "too
// many orphaned sockets" (tcp(7), tcp_max_orphans).
type Closing struct {
	Begun         uint64        `json:"begun"`          // connections that were open before
	Reset         uint64        `json:"reset"`          // of them, those that were not closed in time
	Rate          float64       `json:"rate_per_s"`     // most closing handshakes begun in a second
	Held          time.Duration `json:"held_ns"`        // for how long none was begun, because of orphans
	OrphansPeak   int64         `json:"orphans_peak"`   // -1: not known
	OrphansMax    int64         `json:"orphans_max"`    // tcp_max_orphans
	TimeWaitPeak  int64         `json:"time_wait_peak"` // -1: not known
	TimeWaitAfter int64         `json:"time_wait_after"`
	OrphansAfter  int64         `json:"orphans_after"`
	// Baseline compares the kernel before and after; nil if it was not read.
	Baseline *Baseline `json:"baseline,omitempty"`
}

// Dials counts connections. Scheduled = Upgraded + Failed + Dropped.
type Dials struct {
	Scheduled uint64           `json:"scheduled"`
	Upgraded  uint64           `json:"upgraded"`
	Failed    uint64           `json:"failed"`
	Dropped   uint64           `json:"dropped"` // due and never dialled
	Retried   uint64           `json:"retried"` // further tries of a dial that is counted once above
	Lost      uint64           `json:"lost"`    // upgraded and then ended by the server or an error
	Causes    map[Cause]uint64 `json:"causes,omitempty"`
}

// A Cause is why an operation or a dial did not succeed.
type Cause string

// The causes. A cause is a fact that was observed, never a guess.
const (
	CauseRefused     Cause = "connection refused"         // ECONNREFUSED
	CauseTimeout     Cause = "timeout"                    // no answer in time; ETIMEDOUT
	CauseReset       Cause = "connection reset"           // ECONNRESET, EPIPE
	CauseNoAddress   Cause = "no free address"            // EADDRNOTAVAIL, EADDRINUSE
	CauseDescriptors Cause = "descriptor limit"           // EMFILE: of the process, ulimit -n
	CauseFiles       Cause = "machine's file limit"       // ENFILE: of all processes, fs.file-max
	CauseWatches     Cause = "epoll watch limit"          // ENOSPC: of one user, fs.epoll.max_user_watches
	CauseNoMemory    Cause = "kernel out of memory"       // ENOMEM, ENOBUFS
	CauseUnreachable Cause = "network unreachable"        // ENETUNREACH, EHOSTUNREACH
	CauseStatus      Cause = "unexpected HTTP status"     // not 101
	CauseHandshake   Cause = "malformed handshake"        // not HTTP, or a header field missing
	CauseAccept      Cause = "wrong Sec-WebSocket-Accept" //
	CauseTLS         Cause = "TLS handshake failed"       //
	CauseClosed      Cause = "closed by server"           // close frame or end of stream
	CauseProtocol    Cause = "protocol violation"         // a frame that RFC 6455 forbids
	CauseJoin        Cause = "join refused"               // Phoenix: an error in reply to phx_join
	CauseRejected    Cause = "error reply"                // Phoenix: a status other than ok
	CauseChannel     Cause = "channel ended"              // Phoenix: phx_close or phx_error
	CauseUnheard     Cause = "nobody subscribes"          // published to a channel without receivers
	CauseUnpublished Cause = "not published"              // the admin listener did not answer with 200
	CauseSilence     Cause = "silence"                    // nothing came for longer than is borne
	CauseAbsent      Cause = "peer is not there"          // signaling: nobody in the room has that id
	CauseMissing     Cause = "no reply"                   // by the end of the drain
	CauseCorrupt     Cause = "corrupt reply"              //
	CauseBacklog     Cause = "generator backlog full"     // the generator's own bound
	CauseNoConn      Cause = "no connection"              // due on a connection that is gone
	CauseStopped     Cause = "run stopped"                // partial run
	CauseStalled     Cause = "ramp stalled"               // not dialled: for long no dial had succeeded
	CauseReserve     Cause = "memory reserve"             // not dialled: the machine had too little memory left
	CauseOther       Cause = "other error"                //
)

// Names of metrics. Each is a histogram of durations.
const (
	MetricConnect   = "connect"    // scheduled dial time to TCP established
	MetricTLS       = "tls"        // TCP established to TLS established
	MetricUpgrade   = "upgrade"    // request sent to 101 verified
	MetricDial      = "dial"       // scheduled dial time to 101 verified
	MetricFirstEcho = "first-echo" // first message sent to its echo received
	MetricResponse  = "response"   // due to received
	MetricService   = "service"    // sent to received
	MetricLag       = "lag"        // due to sent: the generator's own lateness
	MetricProbe     = "probe"      // due to received, of Phase.Probes
)

// A Metric is a histogram and where its raw form is. Percentiles are read from
// the merged histogram, never averaged. Durations are recorded in nanoseconds
// between 1 us and 60 s with 3 significant digits; what lies outside is counted
// apart and in neither Count nor the percentiles, so that it cannot hide.
type Metric struct {
	Name  string        `json:"name"`
	Unit  string        `json:"unit"` // "ns"
	File  string        `json:"file"` // the .hlog in the run's folder
	Count uint64        `json:"count"`
	Below uint64        `json:"below_range"` // under 1 us
	Above uint64        `json:"above_range"` // over 60 s
	Min   time.Duration `json:"min_ns"`
	Mean  time.Duration `json:"mean_ns"`
	P50   time.Duration `json:"p50_ns"`
	P90   time.Duration `json:"p90_ns"`
	P99   time.Duration `json:"p99_ns"`
	P999  time.Duration `json:"p999_ns"`
	P9999 time.Duration `json:"p9999_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Usage is what a process consumed during a phase.
type Usage struct {
	Known   bool          `json:"known"`
	User    time.Duration `json:"user_ns"`   // CPU time
	System  time.Duration `json:"system_ns"` // CPU time
	PeakRSS uint64        `json:"peak_rss_bytes"`
}
