package doctor

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"

	"signalbench/loadgen/internal/proctree"
)

// Check computes every limit for a plan, in the order in which they bite on a
// machine that nobody has tuned. It reads /proc and changes nothing.
func Check(p Plan) []Limit {
	c := checker{Plan: p.withDefaults()}
	c.descriptors()
	c.ports()
	c.conntrack()
	c.files()
	c.watches()
	c.tcpMemory()
	c.memory()
	c.cgroup()
	c.backlog()
	c.orphans()
	c.timeWait()
	return c.limits
}

type checker struct {
	Plan
	limits []Limit
}

// unread is the note of a limit that is not known.
const unread = "cannot be read"

// add completes a limit of which n connections need so much. The fix is the
// settings, if there are any, and else the one that the limit has.
func (c *checker) add(l Limit, need func(n int64) int64, settings ...Setting) {
	l.Need = need(c.Conns)
	if l.Have < 0 {
		l.Fits, l.OK = -1, true
		if l.Note == "" {
			l.Note = unread
		}
	} else {
		l.OK = l.Have >= l.Need
		// The need grows with n, so the first n+1 that does not fit is found by halves.
		l.Fits = int64(sort.Search(math.MaxInt64, func(n int) bool { return need(int64(n)+1) > l.Have }))
	}
	c.done(l, settings)
}

// done adds a limit that says itself whether it is high enough.
func (c *checker) done(l Limit, settings []Setting) {
	switch {
	case l.OK:
		l.Fix = ""
	case len(settings) > 0:
		l.Settings = settings
		var lines []string
		for _, s := range settings {
			lines = append(lines, s.String())
		}
		l.Fix = strings.Join(lines, " && ") + l.Fix
	}
	c.limits = append(c.limits, l)
}

// each is the need of a limit of which every connection takes as much.
func each(amount int64) func(int64) int64 {
	return func(n int64) int64 { return times(n, amount) }
}

// sysctl reads the numbers of a kernel setting, nil if it is not there.
func (c *checker) sysctl(name string) []int64 {
	return numbers(filepath.Join(c.Proc, "sys", strings.ReplaceAll(name, ".", "/")))
}

func numbers(path string) []int64 {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return parseNumbers(string(data))
}

func parseNumbers(text string) []int64 {
	var list []int64
	for _, f := range strings.Fields(text) {
		// file-max may be the largest uint64.
		v, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return nil
		}
		list = append(list, int64(min(v, math.MaxInt64)))
	}
	return list
}

// first is the first of the numbers, -1 if there is none.
func first(list []int64) int64 { return nth(list, 0) }

func nth(list []int64, n int) int64 {
	if n >= len(list) {
		return -1
	}
	return list[n]
}

func set(name string, v int64) Setting {
	return Setting{Name: name, Value: strconv.FormatInt(v, 10)}
}

// descriptors: each end of a connection is a descriptor of its process, and no
// process may have more than fs.nr_open.
func (c *checker) descriptors() {
	type side struct {
		Side
		pid    string
		note   string
		tables int64 // descriptor tables that share the connections
		grows  bool  // there are more of them for more connections
	}
	client := side{Client, "self", "", c.Tables, c.Tables > 1}
	if c.Tables > 1 {
		client.note = fmt.Sprintf("each of %d descriptor tables, which share the connections", c.Tables)
	}
	sides := []side{client}
	if c.ServerHere {
		s := side{Server, strconv.Itoa(c.ServerPID), "", 1, c.Shards > 1}
		// Of a parent with workers, the workers hold the connections.
		if tree, err := proctree.Of(c.Proc, c.ServerPID); c.ServerPID != 0 && err == nil && len(tree) > 1 {
			s.pid, s.tables, s.grows = strconv.Itoa(tree[1]), int64(len(tree)-1), false
			s.note = fmt.Sprintf("each of %d processes that share the connections", s.tables)
			if c.ServerTables > s.tables {
				s.tables = c.ServerTables
				s.note = fmt.Sprintf("each of %d descriptor tables, which share the connections", s.tables)
			}
		} else if c.ServerTables > 1 {
			s.tables, s.grows = c.ServerTables, c.ServerPID == 0
			s.note = fmt.Sprintf("each of %d descriptor tables, which share the connections", s.tables)
		} else if c.Shards > 1 {
			s.tables = c.Shards
		}
		if c.ServerPID == 0 {
			s.pid, s.note = "self", "the server is not running: taken to get the limit of this process"
		}
		sides = append(sides, s)
	}
	most := first(c.sysctl("fs.nr_open"))
	own := func(n int64) int64 { return plus(n, ownDescriptors) }
	var largest side // whose tables are largest
	for _, s := range sides {
		conns := parts(c.Conns, s.tables)
		if largest.tables == 0 || s.tables < largest.tables {
			largest = s
		}
		need := own(conns)
		soft, hard := c.nofile(s.pid)
		fix := fmt.Sprintf("ulimit -n %d", need)
		switch {
		case most >= 0 && need > most:
			fix = fmt.Sprintf("sysctl -w fs.nr_open=%d && ulimit -n %d # as root", need, need)
		case hard >= 0 && need > hard:
			fix = fmt.Sprintf("ulimit -n %d # as root; in a container: --ulimit nofile=%d:%d when it is started", need, need, need)
		}
		if s.Side == Server && s.tables == 1 {
			fix += " # or serve by several processes or descriptor tables, as server --shards auto does"
		}
		table := checker{Plan: c.Plan}
		table.Conns = conns
		table.add(Limit{Name: "nofile", Side: s.Side, What: "open descriptors of the process", Have: soft, Note: s.note, Fix: fix}, own)
		c.limits = append(c.limits, table.limits[0].of(s.tables, s.grows))
	}
	table := checker{Plan: c.Plan}
	table.Conns = parts(c.Conns, largest.tables)
	table.add(Limit{Name: "fs.nr_open", Side: Machine, What: "highest nofile that can be set", Have: most}, own, set("fs.nr_open", own(table.Conns)))
	c.limits = append(c.limits, table.limits[0].of(largest.tables, largest.grows))
}

// of is a limit of each of so many parts. Where there are more parts for more
// connections, it bounds those only that do not fit.
func (l Limit) of(tables int64, grows bool) Limit {
	switch {
	case l.OK && grows:
		l.Fits = -1
	case l.Fits > 0:
		l.Fits = times(l.Fits, tables)
	}
	return l
}

// nofile reads the descriptor limits of a process, -1 if they cannot be read.
// A Go program raises its soft limit to the hard one when it starts.
func (c *checker) nofile(pid string) (soft, hard int64) {
	data, err := os.ReadFile(filepath.Join(c.Proc, pid, "limits"))
	if err != nil {
		return -1, -1
	}
	return parseNofile(string(data))
}

// parseNofile finds the line of descriptors in /proc/PID/limits.
func parseNofile(text string) (soft, hard int64) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			f := strings.Fields(rest)
			if len(f) < 2 {
				break
			}
			return limit(f[0]), limit(f[1])
		}
	}
	return -1, -1
}

func limit(s string) int64 {
	if s == "unlimited" {
		return math.MaxInt64
	}
	v, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return -1
	}
	return int64(v)
}

// ports: a connection is told from others by its two addresses and ports
// (RFC 9293 section 3.1), so one source address and one destination give no
// more connections than there are local ports.
func (c *checker) ports() {
	r := c.sysctl("net.ipv4.ip_local_port_range")
	l := Limit{Name: "net.ipv4.ip_local_port_range", Side: Client, What: "pairs of source and destination address and port", Have: -1}
	if len(r) == 2 && r[1] >= r[0] {
		l.Have = times(times(r[1]-r[0]+1, c.Sources), c.Destinations)
		l.Note = fmt.Sprintf("%d ports, %s source addresses, %d destinations", r[1]-r[0]+1, amount(c.Sources, ""), c.Destinations)
	}
	if need := parts(c.Conns, times(c.Sources, 65535-1025+1)); need > c.Destinations {
		l.Fix = fmt.Sprintf(" # and listen on %d ports (--url for each)", need)
	}
	c.add(l, each(1), Setting{l.Name, "1025 65535"})
}

// conntrack: a firewall that tracks connections drops packets of further ones.
func (c *checker) conntrack() {
	const name = "net.netfilter.nf_conntrack_max"
	most, now := first(c.sysctl(name)), first(c.sysctl("net.netfilter.nf_conntrack_count"))
	if most < 0 {
		return // not loaded
	}
	l := Limit{Name: name, Side: Machine, What: "connections that the firewall tracks", Have: max(most-max(now, 0), 0)}
	if now == 0 {
		l.Have, l.Note = -1, "no connection is tracked now: no rule asks for it"
	}
	c.add(l, each(1), set(name, plus(c.Conns, max(now, 0))))
}

// files: all processes together may open fs.file-max files.
func (c *checker) files() {
	nr := c.sysctl("fs.file-nr") // allocated, 0, most
	l := Limit{Name: "fs.file-max", Side: Machine, What: "open files of all processes", Have: -1}
	used := nth(nr, 0)
	if most := nth(nr, 2); most >= 0 {
		l.Have = max(most-used, 0)
	}
	need := func(n int64) int64 {
		programs := plus(times(plus(c.processes(n), 1), ownDescriptors), times(c.tables(n), laneDescriptors))
		return plus(times(n, c.ends()), programs)
	}
	c.add(l, need, set("fs.file-max", plus(need(c.Conns), max(used, 0)+spareFiles)))
}

// watches: a user may have so many descriptors in epoll instances (epoll(7)).
// Besides the connections every event loop and every process has listeners,
// wake-up descriptors and the runtime's own there.
func (c *checker) watches() {
	const name = "fs.epoll.max_user_watches"
	need := func(n int64) int64 {
		loops := plus(plus(c.processes(n), 1), plus(c.tables(n), c.ServerTables))
		return plus(times(n, c.ends()), times(loops, ownWatches))
	}
	c.add(Limit{Name: name, Side: Machine, What: "descriptors in epoll instances of one user", Have: first(c.sysctl(name))},
		need, set(name, need(c.Conns)))
}

// tcpMemory: idle connections are charged nothing; a message that waits in a
// queue is charged a page. From the middle value on the kernel moderates TCP.
func (c *checker) tcpMemory() {
	const name = "net.ipv4.tcp_mem"
	l := Limit{
		Name: name, Side: Machine, What: "memory of queued data before TCP is moderated", Unit: "pages", Have: -1, Soft: true,
		Note: "needed if every connection has a message waiting at each end at once; idle connections need none",
	}
	m := c.sysctl(name)
	if len(m) == 3 {
		l.Have = m[1]
		if used := c.tcpPages(); used > 0 {
			l.Have = max(m[1]-used, 0)
		}
	}
	need := plus(times(c.Conns, c.ends()), max(nth(m, 1)-l.Have, 0)) // and what is used now
	low, high := max(need/4*3, nth(m, 0)), max(plus(need, need/2), nth(m, 2))
	c.add(l, each(c.ends()), Setting{name, fmt.Sprintf("%d %d %d", low, need, high)})
}

func (c *checker) tcpPages() int64 {
	mount, err := procfs.NewFS(c.Proc)
	if err != nil {
		return -1
	}
	stat, err := mount.NetSockstat()
	if err != nil {
		return -1
	}
	for _, p := range stat.Protocols {
		if p.Protocol == "TCP" && p.Mem != nil {
			return int64(*p.Mem)
		}
	}
	return -1
}

// bytesEach is what a connection takes of this machine's memory.
func (c *checker) bytesEach() int64 {
	each := kernelBytes*c.ends() + c.ClientBytes
	if c.ServerHere {
		each += c.ServerBytes
	}
	return each
}

// bytes is what n connections take of this machine's memory.
func (c *checker) bytes(n int64) int64 {
	b := plus(times(n, c.bytesEach()), plus(clientProcess, times(c.tables(n), lane)))
	if c.ServerHere && c.ServerPID == 0 { // of a server that runs the memory is gone already
		b = plus(b, plus(serverProgram, times(c.processes(n), serverProcess)))
	}
	return b
}

// memory: MemAvailable (proc(5)) is what can be had without taking pages from
// programs. It takes inodes and dentries of open sockets for reclaimable, so it
// is right only as long as there are few.
func (c *checker) memory() {
	l := Limit{Name: "memory", Side: Machine, What: "memory for sockets and both processes", Unit: "B", Have: -1, Physical: true}
	if mount, err := procfs.NewFS(c.Proc); err == nil {
		if m, err := mount.Meminfo(); err == nil && m.MemAvailableBytes != nil {
			reserve := int64(memoryReserve)
			if m.MemTotalBytes != nil {
				reserve = max(reserve, int64(*m.MemTotalBytes/memoryShare))
			}
			l.Have = max(int64(*m.MemAvailableBytes)-reserve, 0)
			l.Note = fmt.Sprintf("%s; %s are left to other programs", c.memoryNote(), amount(reserve, "B"))
		}
	}
	l.Fix = fmt.Sprintf("use a machine with %s more, fewer --conns, or a leaner engine", amount(max(c.bytes(c.Conns)-l.Have, 0), "B"))
	c.add(l, c.bytes)
}

func (c *checker) memoryNote() string {
	fixed := amount(c.bytes(c.Conns)-times(c.Conns, c.bytesEach()), "B")
	if !c.ServerHere {
		return fmt.Sprintf("%s a connection, %s for the process", amount(c.bytesEach(), "B"), fixed)
	}
	return fmt.Sprintf("%s a connection, %s of it the server's own, and %s for the processes", amount(c.bytesEach(), "B"), amount(c.ServerBytes, "B"), fixed)
}

// cgroup: a container may have less than the machine. Kernel objects count.
func (c *checker) cgroup() {
	most := first(numbers(filepath.Join(c.Sys, "fs/cgroup/memory.max")))
	now := first(numbers(filepath.Join(c.Sys, "fs/cgroup/memory.current")))
	if most < 0 { // "max", or no cgroup of our own
		return
	}
	c.add(Limit{
		Name: "memory.max", Side: Machine, What: "memory of this control group", Unit: "B", Have: max(most-max(now, 0), 0), Note: c.memoryNote(), Physical: true,
		Fix: fmt.Sprintf("start the container with %s or more", amount(plus(c.bytes(c.Conns), max(now, 0)), "B")),
	}, c.bytes)
}

// backlog: connections that are established and not accepted yet wait in a
// queue of this length; what arrives beyond is tried again a second later.
func (c *checker) backlog() {
	if c.Pending <= 0 || !c.ServerHere {
		return
	}
	for _, l := range []Limit{
		{Name: "net.core.somaxconn", What: "accept backlog, for a burst of dials"},
		{Name: "net.ipv4.tcp_max_syn_backlog", What: "handshakes in progress, for a burst of dials"},
	} {
		l.Side, l.Soft, l.Fits, l.Need = Server, true, -1, c.Pending
		l.Have = first(c.sysctl(l.Name))
		l.OK = l.Have < 0 || l.Have >= l.Need
		if l.Have < 0 {
			l.Note = unread
		}
		l.Fix = fmt.Sprintf(" # or --pending %d", l.Have)
		c.done(l, []Setting{set(l.Name, l.Need)})
	}
}

// orphans: sockets that were closed while data or a FIN was under way. Beyond
// the limit the kernel resets them, at the end of a run, when all close at once.
func (c *checker) orphans() {
	const name = "net.ipv4.tcp_max_orphans"
	c.add(Limit{
		Name: name, Side: Machine, What: "closed sockets that still have something to send", Have: first(c.sysctl(name)), Soft: true,
		Note: "matters while all connections close at once",
	}, each(c.ends()), set(name, times(c.Conns, c.ends())))
}

// timeWait: a connection that has ended stays for a minute at the end that
// closed first. Beyond the limit the kernel forgets it at once, and logs that.
func (c *checker) timeWait() {
	const name = "net.ipv4.tcp_max_tw_buckets"
	c.add(Limit{
		Name: name, Side: Machine, What: "ended connections in TIME_WAIT", Have: first(c.sysctl(name)), Soft: true,
		Note: "matters in the minute after all connections were closed; beyond it, TIME_WAIT is cut short",
	}, each(1), set(name, c.Conns))
}
