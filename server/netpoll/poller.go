package netpoll

import (
	"github.com/mailru/easygo/netpoll"
	"golang.org/x/sys/unix"
)

const (
	// readBytes is the most that one event takes from one socket.
	readBytes = 64 << 10
	// corkBytes is how many bytes of replies are gathered before they are
	// written without waiting for the end of the event.
	corkBytes = 64 << 10
	// corkKept is the largest cork that is kept from one event to the next.
	corkKept = 1 << 20
	// lingerBytes is how much is read and forgotten of a peer that was refused
	// or failed, so that it can read why.
	lingerBytes = 1 << 20
)

// easygo makes up this event for whatever is still registered when an Epoll is
// closed; its own name for it is not exported.
const pollerClosed netpoll.EpollEvent = 0x20

// A poller is one epoll instance and what the goroutine that waits on it works
// with. While a connection is corked, cork belongs to it and is guarded by its
// mutex; the rest is the goroutine's.
type poller struct {
	*server
	table *table // of its connections
	epoll *netpoll.Epoll
	apart *apart // nil if it works in the process's descriptor table
	in    []byte // what was read
	cork  []byte // what the connection being served has sent so far
	reply []byte // an HTTP response
	moved bool   // the connection being served completed a frame
}

// newPoller starts a poller in the process's descriptor table.
func newPoller(s *server) (*poller, error) {
	p := &poller{server: s, table: s.tables[0], in: make([]byte, readBytes)}
	var err error
	p.epoll, err = netpoll.EpollCreate(&netpoll.EpollConfig{
		OnWaitError: func(err error) { s.broken <- err }, // room for two of each
	})
	return p, err
}

// here reports whether the calling thread may use the descriptors of p's
// connections.
func (p *poller) here() bool { return p.apart == nil || int64(unix.Gettid()) == p.apart.tid.Load() }

// next deals pollers round-robin.
func (s *server) next() *poller {
	return s.pollers[s.dealt.Add(1)%uint32(len(s.pollers))]
}
