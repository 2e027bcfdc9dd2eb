package scenario

import (
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"signalbench/results"
)

var workloads = []string{
	results.WorkloadHold, results.WorkloadEcho, results.WorkloadEchoClosed, results.WorkloadChurn, results.WorkloadSignal,
	results.WorkloadBroadcast, results.WorkloadBroadcastClosed, results.WorkloadStorm, results.WorkloadPush, results.WorkloadHongbao,
}

// paced are the open loops: nothing is due without a rate.
var paced = []string{results.WorkloadEcho, results.WorkloadSignal, results.WorkloadBroadcast, results.WorkloadPush, results.WorkloadHongbao}

// rooms are the workloads that need a protocol with rooms.
var rooms = []string{results.WorkloadSignal, results.WorkloadBroadcast, results.WorkloadBroadcastClosed}

// subscribed are the workloads of connections that subscribe and are not answered.
var subscribed = []string{results.WorkloadHold, results.WorkloadPush, results.WorkloadChurn, results.WorkloadStorm}

// belongs says for which workloads a field is, where it says nothing to others.
var belongs = []struct {
	field string
	to    []string
}{
	{"heartbeat", []string{results.WorkloadHold}},
	{"probe", []string{results.WorkloadHold}},
	{"storm", []string{results.WorkloadStorm}},
	{"backoffs", []string{results.WorkloadStorm}},
	{"swarm", []string{results.WorkloadSignal}},
	{"contacts", []string{results.WorkloadSignal}},
	{"in_flight", []string{results.WorkloadEchoClosed, results.WorkloadBroadcastClosed}},
	{"rate", paced},
	{"each", paced},
}

// The protocols above WebSocket: rooms of Phoenix Channels, and channels that a
// connection subscribes to by its path and that are published to from outside.
const (
	Phoenix  = "phoenix"
	Channels = "channel"
)

var paths = regexp.MustCompile(`^/([^\s{}?#]|\{i\})*$`)

func (d *document) load(n ast.Node) Load {
	b := d.block(n, "load", "workloads", "path", "protocol", "topic", "version", "rooms", "swarm", "contacts", "payload",
		"ramp", "pending", "plateaus", "rate", "each", "in_flight", "heartbeat", "probe", "settle", "warm_up", "window", "max_window",
		"storm", "backoffs", "flags", "max_already")
	if b == nil {
		return Load{}
	}
	b.need("workloads")
	l := Load{
		Workloads: b.texts("workloads"), Path: b.text("path"), Protocol: b.oneOf("protocol", Phoenix, Channels), Topic: b.text("topic"),
		Version: b.oneOf("version", "1.0.0", "2.0.0"), Rooms: b.count("rooms", 1), Swarm: b.count("swarm", 2), Contacts: b.count("contacts", 1),
		Payload: unit(b, "payload", "a size like 128B", bytes), Ramp: unit(b, "ramp", "max, or a rate like 1000/s", ramp),
		Pending: b.count("pending", 1), Plateaus: b.count("plateaus", 1), Rate: b.rate("rate"), Each: b.interval("each"),
		InFlight: b.count("in_flight", 1), Heartbeat: b.duration("heartbeat"), Probe: b.duration("probe"), Settle: b.duration("settle"),
		WarmUp: b.duration("warm_up"), Window: b.interval("window"), MaxWindow: b.interval("max_window"), Storm: b.oneOf("storm", results.StormReset, results.StormSilence, results.StormRestart),
		Backoffs: b.texts("backoffs"), MaxAlready: b.flag("max_already"),
		Flags: b.flags("flags", "url", "conns", "workload", "out", "label", "admin", "server-pid"),
	}
	b.checkWorkloads(&l)
	b.checkPlace(&l)
	for _, s := range l.Backoffs {
		if err := backoff(s); err != nil {
			b.wrong(b.where("backoffs"), "%v", err)
		}
	}
	return l
}

// checkWorkloads looks whether the workloads are known, and whether the other
// fields are about them.
func (b *block) checkWorkloads(l *Load) {
	at := b.where("workloads")
	for i, w := range l.Workloads {
		switch {
		case !slices.Contains(workloads, w):
			b.wrong(at, "unknown workload %q: %s", w, instead(w, workloads))
			return // what else is wrong may be because of that
		case slices.Contains(l.Workloads[:i], w):
			b.wrong(at, "workload %s is named twice", w)
		}
	}
	for _, f := range belongs {
		if at, ok := b.has(f.field); ok && len(l.Workloads) > 0 && first(l.Workloads, f.to) == "" {
			b.wrong(at, "%s is for %s, which is not among the workloads", f.field, strings.Join(f.to, ", "))
		}
	}
	_, rated := b.has("rate")
	each, both := b.has("each")
	switch w := first(l.Workloads, paced); {
	case rated && both:
		b.wrong(each, "both rate and each: the rate is that of the whole, each the interval of one connection")
	case w != "" && !rated && !both:
		b.wrong(at, "workload %s has no rate: give rate for the whole, or each for the interval of one connection", w)
	}
}

// checkPlace looks at what is connected to.
func (b *block) checkPlace(l *Load) {
	if l.Path != "" && !paths.MatchString(l.Path) {
		b.wrong(b.where("path"), "path %q is not like /echo or /channel/{i}, where {i} is the number of the connection", l.Path)
	}
	if _, ok := b.has("protocol"); ok && l.Protocol == "" {
		return // an unknown one is told of already
	}
	b.checkProtocol(l)
}

// checkProtocol looks whether the workloads, and what is said about rooms, are those
// of the protocol.
func (b *block) checkProtocol(l *Load) {
	if w := first(l.Workloads, rooms); w != "" && l.Protocol != Phoenix {
		b.wrong(b.where("workloads"), "workload %s is about rooms: it needs protocol: %s", w, Phoenix)
	}
	if w := first(l.Workloads, []string{results.WorkloadPush}); w != "" && (l.Protocol != Channels || l.Path == "") {
		b.wrong(b.where("workloads"), "workload %s publishes to a channel: it needs protocol: %s, and a path like /channel/{i}", w, Channels)
	}
	if l.Protocol == Channels {
		for _, w := range l.Workloads {
			if slices.Contains(workloads, w) && !slices.Contains(subscribed, w) {
				b.wrong(b.where("workloads"), "workload %s with protocol %s: what a subscriber sends is not answered; there are %s", w, Channels, strings.Join(subscribed, ", "))
			}
		}
	}
	for _, f := range []string{"topic", "version", "rooms"} {
		if at, ok := b.has(f); ok && l.Protocol != Phoenix {
			b.wrong(at, "%s says something about rooms: it needs protocol: %s", f, Phoenix)
		}
	}
}

// first is the first of list that is in among; empty if none is.
func first(list, among []string) string {
	for _, w := range list {
		if slices.Contains(among, w) {
			return w
		}
	}
	return ""
}

// ramp checks "max", or a rate.
func ramp(text string) (string, error) {
	if text == "max" {
		return text, nil
	}
	_, err := perSecond(text)
	return text, err
}
