package doctor

// A Plan is what is going to be asked of the machine.
type Plan struct {
	// Conns is how many connections are to be open at once.
	Conns int64
	// ServerHere says that the server is on this machine too; its side is left
	// out otherwise.
	ServerHere bool
	// ServerPID is the server's process. 0: it is not running yet, and is taken
	// to get the limits of this process.
	ServerPID int
	// Destinations is how many addresses with ports the server listens on; 0
	// means 1.
	Destinations int64
	// Sources is how many addresses connections come from. 0: as many as it
	// takes, as the load generator does over IPv4 loopback.
	Sources int64
	// Tables is over how many descriptor tables of its own the load generator
	// spreads its connections, each with an event loop; 0 means 1.
	Tables int64
	// Shards is how many processes the server is going to be, each with an equal
	// part of the connections; 0 means 1. A running server tells it itself.
	Shards int64
	// ServerTables is among how many descriptor tables one process of the server
	// divides the connections; 0 means 1.
	ServerTables int64
	// Pending is how many dials are in progress at once.
	Pending int64
	// ServerBytes and ClientBytes are user-space bytes per connection; 0 means
	// DefaultServerBytes and DefaultClientBytes.
	ServerBytes, ClientBytes int64
	// Proc and Sys are where the kernel's files are, /proc and /sys if empty.
	Proc, Sys string
}

const (
	// DefaultServerBytes is what a Go server takes for a connection that has a
	// goroutine and net/http's buffers, the dearest common case.
	DefaultServerBytes = 17_180
	// DefaultClientBytes is what this load generator takes for a connection: 18
	// and 19 B by the slopes of its PSS up to 1,000,000 and 2,700,000.
	DefaultClientBytes = 24

	// kernelBytes is what an idle TCP connection takes in the kernel for each
	// end: 4,092 B of objects behind the socket (TCP, its inode and dentry, the
	// open file, the epoll item, each with what its slab wastes), and what is no
	// object, such as the descriptor tables. The two ends of 2,700,000 connections
	// took 8,429 B of MemFree each, 8,263 B without both processes.
	kernelBytes = 4_092 + 40
	// serverProgram is what all processes of the server share, and serverProcess
	// what each of them takes before it has a connection: 13 MB of PSS for one,
	// 182 MB for the 52 of 1,000,000 connections, 443 MB for the 142 of 2,700,000.
	serverProgram = 12_000_000
	serverProcess = 3_100_000
	// clientProcess is what the load generator takes before it has one, and lane
	// what each of its event loops adds, mostly histograms: 81 MB with 51 loops,
	// 100 MB with 150.
	clientProcess = 71_000_000
	lane          = 200_000
	// memoryReserve is left to everything else; of a large machine it is one part
	// in memoryShare of all memory. Below about as much, the kernel begins to take
	// pages from the programs themselves.
	memoryReserve = 192 << 20
	memoryShare   = 128

	// ownDescriptors is what a process needs besides its connections: standard
	// streams, listeners, pollers, result files.
	ownDescriptors = 64
	// laneDescriptors is what an event loop of the load generator needs.
	laneDescriptors = 4
	// ownWatches is how many of its descriptors an event loop or a process has in
	// epoll instances at the most.
	ownWatches = 16
	// spareFiles is by how much fs.file-max is to be above the need: programs that
	// are not ours open files meanwhile.
	spareFiles = 8192
	// sources is how many addresses of 127.0.0.0/8 the load generator may bind.
	sources = 254 * 256 * 254
)

func (p Plan) withDefaults() Plan {
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	p.Conns = max(p.Conns, 1)
	def(&p.Destinations, 1)
	def(&p.Tables, 1)
	def(&p.Shards, 1)
	def(&p.Sources, sources)
	def(&p.ServerBytes, DefaultServerBytes)
	def(&p.ClientBytes, DefaultClientBytes)
	if p.Proc == "" {
		p.Proc = "/proc"
	}
	if p.Sys == "" {
		p.Sys = "/sys"
	}
	return p
}

// ends is how many ends of each connection are on this machine.
func (p Plan) ends() int64 {
	if p.ServerHere {
		return 2
	}
	return 1
}

// Processes is how many processes of a server it takes to hold conns
// connections, each with so many descriptors.
func Processes(conns, descriptors int64) int64 {
	return max(1, parts(conns, descriptors-ownDescriptors))
}

// tables is how many descriptor tables n connections need, each filled as in
// the plan.
func (p Plan) tables(n int64) int64 { return parts(n, parts(p.Conns, p.Tables)) }

// processes is how many processes of the server n connections need, each filled
// as in the plan; none if there is no server here.
func (p Plan) processes(n int64) int64 {
	if !p.ServerHere {
		return 0
	}
	return parts(n, parts(p.Conns, p.Shards))
}

// parts is how many parts of a size n makes, the last one perhaps smaller.
func parts(n, size int64) int64 {
	if n <= 0 {
		return 0
	}
	return (n-1)/max(size, 1) + 1
}
