package doctor

import (
	"fmt"
	"math"
	"math/bits"
	"os"
	"path/filepath"
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
	return c.limits
}

type checker struct {
	Plan
	limits []Limit
}

// times multiplies without passing the end of int64.
func times(a, b int64) int64 {
	hi, lo := bits.Mul64(uint64(max(a, 0)), uint64(max(b, 0)))
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}

// unread is the note of a limit that is not known.
const unread = "cannot be read"

// add completes a limit of which each connection takes each, besides fixed.
func (c *checker) add(l Limit, each, fixed int64, fix string) {
	l.Need = times(c.Conns, each)
	if l.Need <= math.MaxInt64-fixed {
		l.Need += fixed
	}
	if l.Have < 0 {
		l.Fits, l.OK = -1, true
		if l.Note == "" {
			l.Note = unread
		}
	} else {
		l.OK = l.Have >= l.Need
		l.Fits = max(l.Have-fixed, 0) / each
	}
	if !l.OK {
		l.Fix = fix
	}
	c.limits = append(c.limits, l)
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

func sysctlFix(name string, v int64) string {
	return fmt.Sprintf("sysctl -w %s=%d", name, v)
}

// descriptors: each end of a connection is a descriptor of its process, and no
// process may have more than fs.nr_open.
func (c *checker) descriptors() {
	type side struct {
		Side
		pid    string
		note   string
		tables int64 // descriptor tables that share the connections
	}
	client := side{Client, "self", "", c.Tables}
	if c.Tables > 1 {
		client.note = fmt.Sprintf("each of %d descriptor tables, which share the connections", c.Tables)
	}
	sides := []side{client}
	if c.ServerHere {
		s := side{Server, strconv.Itoa(c.ServerPID), "", 1}
		// Of a parent with workers, the workers hold the connections.
		if tree, err := proctree.Of(c.Proc, c.ServerPID); c.ServerPID != 0 && err == nil && len(tree) > 1 {
			s.pid, s.tables = strconv.Itoa(tree[1]), int64(len(tree)-1)
			s.note = fmt.Sprintf("each of %d processes that share the connections", s.tables)
		} else if c.Shards > 1 {
			s.tables = c.Shards
		}
		if c.ServerPID == 0 {
			s.pid, s.note = "self", "the server is not running: taken to get the limit of this process"
		}
		sides = append(sides, s)
	}
	most := first(c.sysctl("fs.nr_open"))
	var highest checker // what the largest table needs
	for _, s := range sides {
		table := checker{Plan: c.Plan}
		table.Conns = (c.Conns + s.tables - 1) / s.tables
		if table.Conns > highest.Conns {
			highest = table
		}
		need := table.Conns + ownDescriptors
		soft, hard := c.nofile(s.pid)
		fix := fmt.Sprintf("ulimit -n %d", need)
		switch {
		case most >= 0 && need > most:
			fix = fmt.Sprintf("sysctl -w fs.nr_open=%d && ulimit -n %d (as root)", need, need)
		case hard >= 0 && need > hard:
			fix = fmt.Sprintf("ulimit -n %d (as root; in a container: --ulimit nofile=%d:%d when it is started)", need, need, need)
		}
		table.add(Limit{Name: "nofile", Side: s.Side, What: "open descriptors of the process", Have: soft, Note: s.note}, 1, ownDescriptors, fix)
		l := table.limits[0]
		if l.Fits > 0 {
			l.Fits = times(l.Fits, s.tables)
		}
		c.limits = append(c.limits, l)
	}
	highest.add(Limit{Name: "fs.nr_open", Side: Machine, What: "highest nofile that can be set", Have: most}, 1, ownDescriptors,
		sysctlFix("fs.nr_open", highest.Conns+ownDescriptors))
	c.limits = append(c.limits, highest.limits...)
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
	need := (c.Conns + c.Sources*64511 - 1) / max(times(c.Sources, 64511), 1)
	fix := `sysctl -w net.ipv4.ip_local_port_range="1025 65535"`
	if need > c.Destinations {
		fix += fmt.Sprintf(" and listen on %d ports (--url for each)", need)
	}
	c.add(l, 1, 0, fix)
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
	c.add(l, 1, 0, sysctlFix(name, c.Conns+max(now, 0)))
}

// files: all processes together may open fs.file-max files.
func (c *checker) files() {
	nr := c.sysctl("fs.file-nr") // allocated, 0, most
	l := Limit{Name: "fs.file-max", Side: Machine, What: "open files of all processes", Have: -1}
	used := nth(nr, 0)
	if most := nth(nr, 2); most >= 0 {
		l.Have = max(most-used, 0)
	}
	fixed := c.ends() * ownDescriptors
	c.add(l, c.ends(), fixed, sysctlFix("fs.file-max", c.Conns*c.ends()+fixed+used))
}

// watches: a user may have so many descriptors in epoll instances (epoll(7)).
func (c *checker) watches() {
	const name = "fs.epoll.max_user_watches"
	c.add(Limit{Name: name, Side: Machine, What: "descriptors in epoll instances of one user", Have: first(c.sysctl(name))},
		c.ends(), 0, sysctlFix(name, c.Conns*c.ends()))
}

// tcpMemory: idle connections are charged nothing; a message that waits in a
// queue is charged a page. From the middle value on the kernel moderates TCP.
func (c *checker) tcpMemory() {
	const name = "net.ipv4.tcp_mem"
	l := Limit{
		Name: name, Side: Machine, What: "memory of queued data before TCP is moderated", Unit: "pages", Have: -1, Soft: true,
		Note: "needed if every connection has a message waiting at each end at once; idle connections need none",
	}
	if m := c.sysctl(name); len(m) == 3 {
		l.Have = m[1]
		if used := c.tcpPages(); used > 0 {
			l.Have = max(m[1]-used, 0)
		}
	}
	need := times(c.Conns, c.ends())
	c.add(l, c.ends(), 0, fmt.Sprintf(`sysctl -w net.ipv4.tcp_mem="%d %d %d"`, need/4*3, need, need/2*3))
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

// memory: a tenth of what is free is left for everything else.
func (c *checker) memory() {
	l := Limit{Name: "memory", Side: Machine, What: "memory for sockets and both processes", Unit: "B", Have: -1}
	if mount, err := procfs.NewFS(c.Proc); err == nil {
		if m, err := mount.Meminfo(); err == nil && m.MemAvailableBytes != nil {
			l.Have = int64(*m.MemAvailableBytes / 10 * 9)
			l.Note = c.memoryNote()
		}
	}
	c.add(l, c.bytesEach(), 0, fmt.Sprintf("use a machine with %s more, fewer --conns, or a leaner engine",
		amount(max(times(c.Conns, c.bytesEach())-l.Have, 0), "B")))
}

func (c *checker) memoryNote() string {
	if !c.ServerHere {
		return fmt.Sprintf("%s a connection", amount(c.bytesEach(), "B"))
	}
	return fmt.Sprintf("%s a connection, %s of it the server's own", amount(c.bytesEach(), "B"), amount(c.ServerBytes, "B"))
}

// cgroup: a container may have less than the machine. Kernel objects count.
func (c *checker) cgroup() {
	most := first(numbers(filepath.Join(c.Sys, "fs/cgroup/memory.max")))
	now := first(numbers(filepath.Join(c.Sys, "fs/cgroup/memory.current")))
	if most < 0 { // "max", or no cgroup of our own
		return
	}
	have := max(most-max(now, 0), 0)
	c.add(Limit{
		Name: "memory.max", Side: Machine, What: "memory of this control group", Unit: "B", Have: have, Note: c.memoryNote(),
	}, c.bytesEach(), 0, fmt.Sprintf("start the container with %s or more", amount(times(c.Conns, c.bytesEach())+max(now, 0), "B")))
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
		if !l.OK {
			l.Fix = sysctlFix(l.Name, l.Need) + fmt.Sprintf(", or --pending %d", l.Have)
		}
		c.limits = append(c.limits, l)
	}
}

// orphans: sockets that were closed while data or a FIN was under way. Beyond
// the limit the kernel resets them, at the end of a run, when all close at once.
func (c *checker) orphans() {
	const name = "net.ipv4.tcp_max_orphans"
	c.add(Limit{
		Name: name, Side: Machine, What: "closed sockets that still have something to send", Have: first(c.sysctl(name)), Soft: true,
		Note: "matters while all connections close at once",
	}, c.ends(), 0, sysctlFix(name, c.Conns*c.ends()))
}
