package results

import (
	"slices"
	"strings"
)

// The rows of a ledger's slopes, in this order. "server.heap" and the like
// exist for each side, "kernel.NAME" for each slab cache that connections use.
const (
	ItemServerRSS = "server.rss"
	ItemClientRSS = "client.rss"
	// ItemKernelSockets is all slab caches that connections use together, both
	// ends where both are on this machine.
	ItemKernelSockets = "kernel.sockets"
	// ItemKernelServer and ItemKernelClient are the two sides' shares of it. A
	// TCP connection has one socket at each end, and every object behind a
	// socket exists once per socket, so a side that holds a socket per connection
	// on this machine has half, or all if the other side is elsewhere. A side
	// holds a socket per connection if its descriptors grow with them; a second
	// descriptor for the same socket (dup) adds no kernel object of this list and
	// does not shift the shares.
	ItemKernelServer = "kernel.server"
	ItemKernelClient = "kernel.client"
	// ItemKernelOther is every other slab cache together: what else the kernel
	// did meanwhile.
	ItemKernelOther = "kernel.other-slab"
	// ItemTCPMem is what is charged to TCP for data in flight.
	ItemTCPMem = "kernel.tcp_mem"
	// ItemMachine is by how much the machine's free memory falls (MemFree, not
	// MemAvailable, which counts pinned socket inodes as reclaimable). Under some
	// 100,000 connections per-CPU page lists blur it by 2 KB per connection.
	ItemMachine = "machine.free"
	// ItemProcInodes is the artefact of walking /proc/PID/fd, by whomever: not
	// the server's, and no part of any sum.
	ItemProcInodes = "artefact.proc_inode_cache"
)

// procInodes is the slab cache behind ItemProcInodes.
const procInodes = "proc_inode_cache"

// socketCaches are the slab caches of the objects behind a socket, in the order
// of reports.
var socketCaches = []string{
	"TCP", "TCPv6", "sock_inode_cache", "filp", "dentry", "eventpoll_epi", "eventpoll_pwq", "ep_head",
	"lsm_inode_cache", "lsm_file_cache", "skbuff_head_cache", "skbuff_small_head", "skbuff_fclone_cache",
	"request_sock_TCP", "request_sock_TCPv6", "tw_sock_TCP", "tw_sock_TCPv6",
	"tcp_bind_bucket", "tcp_bind2_bucket", "nf_conntrack",
}

// SocketCaches returns the names of the slab caches that hold the objects behind
// a socket, in the order of reports.
func SocketCaches() []string { return slices.Clone(socketCaches) }

// anonymous reports whether a cache is shared by size and not by purpose.
func anonymous(cache string) bool { return strings.HasPrefix(cache, "kmalloc-") }
