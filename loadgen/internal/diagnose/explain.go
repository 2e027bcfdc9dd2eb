package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"signalbench/results"
)

// Dials is what became of the dials between two readings.
type Dials struct {
	Conns   int64                    // asked for
	Pending int64                    // most in progress at once
	Causes  map[results.Cause]uint64 // of those that failed
}

// A Diagnosis is what the counters show, a clause for each.
type Diagnosis struct {
	// Causes stand against dials: the kernel refused or dropped some.
	Causes []string
	// Signs rose too, and do not stop a dial by themselves.
	Signs []string
}

// Explain compares two readings.
func Explain(before, after Reading, d Dials) Diagnosis {
	e := explainer{before: before, after: after, dials: d}
	e.errnos()
	e.listener()
	e.conntrack()
	e.memory()
	e.files()
	e.signs()
	return e.Diagnosis
}

// String names the causes, or says that no counter explains it.
func (d Diagnosis) String() string {
	if len(d.Causes) > 0 {
		return strings.Join(d.Causes, "; and ")
	}
	if len(d.Signs) > 0 {
		return "no counter explains it; " + strings.Join(d.Signs, ", ")
	}
	return "no counter explains it"
}

type explainer struct {
	Diagnosis
	dials         Dials
	before, after Reading
}

func (e *explainer) cause(format string, a ...any) {
	e.Causes = append(e.Causes, fmt.Sprintf(format, a...))
}

// rise is by how much a counter rose, 0 if it is not known.
func (e *explainer) rise(name string) int64 {
	was, ok := e.before[name]
	if !ok {
		return 0
	}
	return max(0, e.after[name]-was)
}

// rose is the clause about a counter.
func (e *explainer) rose(name string) string {
	return fmt.Sprintf("%s rose by %d (%d to %d)", name, e.rise(name), e.before[name], e.after[name])
}

// is tells a limit, empty if it is not known.
func (e *explainer) is(name string) string {
	if v, ok := e.after[name]; ok {
		return fmt.Sprintf(" (%s is %d)", name, v)
	}
	return ""
}

// raise is how to raise a setting to what is needed, empty if it is there.
func (e *explainer) raise(name string, need int64) string {
	if have, ok := e.after[name]; ok && have >= need {
		return ""
	}
	return fmt.Sprintf("; raise it with: sysctl -w %s=%d", name, need)
}

// errnos: what the kernel said to the one who dialled needs no counter.
func (e *explainer) errnos() {
	n := e.dials.Causes
	if k := n[results.CauseNoAddress]; k > 0 {
		text := fmt.Sprintf("%d dials found no free local port (EADDRNOTAVAIL)", k)
		if first, ok := e.after[portsFirst]; ok {
			last := e.after[portsLast]
			text += fmt.Sprintf(": net.ipv4.ip_local_port_range is %d to %d", first, last)
			if kept := e.after[portsKept]; kept > 0 {
				text += fmt.Sprintf(", of which net.ipv4.ip_local_reserved_ports keeps %d back", kept)
			}
		}
		e.cause(`%s; raise it with: sysctl -w net.ipv4.ip_local_port_range="1025 65535", or listen on more ports`, text)
	}
	if k := n[results.CauseDescriptors]; k > 0 {
		text := fmt.Sprintf("%d dials met the limit of descriptors of this process (EMFILE)", k)
		if limit, ok := e.after[nofile]; ok {
			text += fmt.Sprintf(": nofile is %d", limit)
		}
		e.cause("%s; raise it with: ulimit -n %d (as root; in a container when it is started)", text, e.dials.Conns+ownDescriptors)
	}
	if k := n[results.CauseWatches]; k > 0 {
		e.cause("%d dials met the limit of descriptors in epoll instances (ENOSPC)%s%s", k, e.is(maxWatches), e.raise(maxWatches, 2*max(e.dials.Conns, e.after[maxWatches])))
	}
	if k := n[results.CauseNoMemory]; k > 0 {
		e.cause("%d dials found the kernel without memory (ENOMEM, ENOBUFS); use fewer --conns or a machine with more", k)
	}
	if k := n[results.CauseRefused]; k > 0 {
		text := fmt.Sprintf("%d dials were refused (ECONNREFUSED): nothing listened there", k)
		if e.rise("AttemptFails") > 0 {
			text += "; " + e.rose("AttemptFails")
		}
		e.cause("%s", text)
	}
}

// ownDescriptors is what this process needs besides its connections.
const ownDescriptors = 64

// listener: connections wait in two queues, before their handshake is complete
// and until they are accepted (tcp(7), listen(2)). What finds one full is dropped
// and tried again after a second (RFC 6298 section 2).
func (e *explainer) listener() {
	if e.rise("ListenOverflows") > 0 {
		e.cause("%s: a queue of connections that the server had not accepted yet was full%s%s; the backlog that the server gives to listen(2) bounds it too",
			e.rose("ListenOverflows"), e.is(somaxconn), e.raise(somaxconn, e.dials.Pending))
	}
	if e.rise("TCPReqQFullDrop") > 0 {
		e.cause("%s: a queue of handshakes in progress was full, and no cookie was sent%s%s",
			e.rose("TCPReqQFullDrop"), e.is(synBacklog), e.raise(synBacklog, e.dials.Pending))
	}
	// ListenDrops counts the two above as well (net/ipv4/tcp_input.c,
	// tcp_conn_request, and tcp_v4_syn_recv_sock).
	if rest := e.rise("ListenDrops") - e.rise("ListenOverflows") - e.rise("TCPReqQFullDrop"); rest > 0 {
		e.cause("%s, %d of it for no full queue: listeners dropped handshakes, for lack of memory or of room for handshakes in progress%s",
			e.rose("ListenDrops"), rest, e.is(synBacklog))
	}
}

// conntrack: a firewall that tracks connections drops packets of those for which
// its table has no room (net/netfilter/nf_conntrack_core.c). It counts them as
// dropped, and those that made room as dropped early.
func (e *explainer) conntrack() {
	most, known := e.after[trackMax]
	now := e.after[trackCount]
	room := ""
	if known {
		room = fmt.Sprintf(": the firewall tracks %d connections, at most %s=%d%s", now, trackMax, most, e.raise(trackMax, now+e.dials.Conns))
	}
	told := false
	for _, name := range []string{trackDrop, trackEarly} {
		if e.rise(name) > 0 {
			e.cause("%s%s", e.rose(name), room)
			told = true
		}
	}
	if e.rise(trackInsert) > 0 {
		e.cause("%s: the firewall's table of connections did not take them", e.rose(trackInsert))
	}
	if !told && known && now > 0 && nearly(now, most) {
		e.cause("%s is %d%s", trackCount, now, room)
	}
}

// memory: what TCP may take for queued data (tcp(7), tcp_mem), in pages.
func (e *explainer) memory() {
	pages := ""
	if most, ok := e.after[tcpMost]; ok {
		pages = fmt.Sprintf(" (TCP has %d pages; from %d on it is moderated, at most %d, net.ipv4.tcp_mem)", e.after[tcpPages], e.after[tcpModerate], most)
	}
	if e.rise("TCPMemoryPressures") > 0 {
		e.cause("%s: TCP took more memory for queued data than it should%s%s", e.rose("TCPMemoryPressures"), pages, e.morePages())
	}
	if e.rise("TCPAbortOnMemory") == 0 {
		return
	}
	if e.rise("TCPMemoryPressures") > 0 || e.after[tcpMost] > 0 && e.after[tcpPages] >= e.after[tcpModerate] {
		e.cause("%s: the kernel reset connections for lack of memory%s", e.rose("TCPAbortOnMemory"), pages)
		return
	}
	// tcp_check_oom() in net/ipv4/tcp_timer.c has two reasons, and memory is none
	// where TCP was under no pressure.
	limit := " (net.ipv4.tcp_max_orphans is told in the first network namespace alone)"
	if most, ok := e.after[maxOrphans]; ok {
		limit = e.is(maxOrphans) + e.raise(maxOrphans, max(e.dials.Conns, 2*most))
	}
	e.cause("%s: the kernel reset so many closed connections, of which the peer had not confirmed the end, as there were too many orphaned sockets; %d are left%s",
		e.rose("TCPAbortOnMemory"), e.after[orphans], limit)
}

func (e *explainer) morePages() string {
	most, ok := e.after[tcpMost]
	if !ok {
		return ""
	}
	return fmt.Sprintf(`; raise it with: sysctl -w net.ipv4.tcp_mem="%d %d %d"`, most, 2*most, 3*most)
}

// files: an accept(2) that finds no file fails at the server, where the dial does
// not see it.
func (e *explainer) files() {
	most, known := e.after[fileMax]
	now := e.after[openFiles]
	k := e.dials.Causes[results.CauseFiles]
	if k == 0 && !(known && nearly(now, most)) {
		return
	}
	text := fmt.Sprintf("%s is %d (before: %d) of at most %s=%d", openFiles, now, e.before[openFiles], fileMax, most)
	if !known { // to read it takes a file
		now = e.before[openFiles]
		text = fmt.Sprintf("%s was %d before, and there is no file left to read it now", openFiles, now)
	}
	if k > 0 {
		text = fmt.Sprintf("%d dials met the limit of files of the machine (ENFILE): %s", k, text)
	}
	e.cause("%s; raise it with: sysctl -w %s=%d", text, fileMax, now+2*e.dials.Conns)
}

// nearly is within a thousandth: a counter is summed over processors late.
func nearly(now, most int64) bool { return now >= most-most/1000 }

// signs accompany many troubles, and cause none of these.
func (e *explainer) signs() {
	for _, name := range []string{"RetransSegs", "AttemptFails", "TCPReqQFullDoCookies", "PruneCalled", "TCPTimeWaitOverflow"} {
		if e.rise(name) > 0 {
			sign := e.rose(name)
			if name == "TCPTimeWaitOverflow" {
				sign += e.is(maxTimeWait)
			}
			e.Signs = append(e.Signs, sign)
		}
	}
}

// Failures lists what became of dials, the most frequent first: "280 timeout, 3
// connection refused".
func Failures(causes map[results.Cause]uint64) string {
	list := slices.SortedFunc(maps.Keys(causes), func(x, y results.Cause) int {
		if causes[x] != causes[y] {
			return int(causes[y]) - int(causes[x])
		}
		return strings.Compare(string(x), string(y))
	})
	var parts []string
	for _, why := range list {
		if n := causes[why]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, why))
		}
	}
	return strings.Join(parts, ", ")
}
