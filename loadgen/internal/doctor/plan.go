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
	// spreads its connections; 0 means 1.
	Tables int64
	// Shards is how many processes the server is going to be, each with an equal
	// part of the connections; 0 means 1. A running server tells it itself.
	Shards int64
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
	// DefaultClientBytes is what this load generator takes for a connection.
	DefaultClientBytes = 128

	// kernelBytes is what an idle TCP connection takes in the kernel for each
	// end: the objects behind the socket (TCP, its inode and dentry, the open
	// file, the epoll item), and what slabs and page lists waste on them.
	kernelBytes = 3_790 + 140
	// ownDescriptors is what a process needs besides its connections: standard
	// streams, listeners, pollers, result files.
	ownDescriptors = 64
	// sources is how many addresses of 127.0.0.0/8 the load generator may bind.
	sources = 254 * 256 * 254
)

func (p Plan) withDefaults() Plan {
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
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
