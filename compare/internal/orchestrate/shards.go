package orchestrate

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ownDescriptors is what a server's process needs besides its connections.
const ownDescriptors = 64

// longSilence is the read timeout of servers whose connections stay idle while
// very many others are opened.
const longSilence = 2 * time.Hour

// Shards is how many processes a server needs for conns connections, under the
// limit of descriptors that it gets from this process.
func Shards(conns int) (int, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("reading the limit of descriptors: %w", err)
	}
	room := int(min(l.Cur, 1<<30)) - ownDescriptors
	if room < 1 {
		return 0, fmt.Errorf("a limit of %d descriptors (ulimit -n) leaves no room for connections: raise it", l.Cur)
	}
	return max(1, (conns-1)/room+1), nil
}

// shardFlags are the flags of a server with so many processes.
func shardFlags(shards int) []string {
	if shards <= 1 {
		return nil
	}
	return []string{fmt.Sprintf("--shards=%d", shards), "--read-timeout=" + longSilence.String()}
}
