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

// Shards is how many processes or descriptor tables a server needs for conns
// connections, under the limit of descriptors that it gets from this process. Each
// table has an entry for each other.
func Shards(conns int) (int, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("reading the limit of descriptors: %w", err)
	}
	room := int(min(l.Cur, 1<<30)) - ownDescriptors
	if room < 1 {
		return 0, fmt.Errorf("a limit of %d descriptors (ulimit -n) leaves no room for connections: raise it", l.Cur)
	}
	if conns <= room {
		return 1, nil
	}
	n := 2
	for most := room / 2; n < most && n*(room-n) < conns; {
		n++
	}
	return n, nil
}

// shardFlags are the flags of a server of conns connections with so many
// processes, or descriptor tables if its engine can have them.
func shardFlags(a *Arm, shards, conns int) []string {
	if shards <= 1 {
		return nil
	}
	flags := []string{fmt.Sprintf("--shards=%d", shards)}
	if a.OwnTables {
		flags = []string{"--shards=auto", fmt.Sprintf("--conns=%d", conns), fmt.Sprintf("--ports=%d", shards)}
	}
	return append(flags, "--read-timeout="+longSilence.String())
}
