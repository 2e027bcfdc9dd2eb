// Package ledger reads what a connection costs in memory, on both sides and in
// the kernel, without disturbing it: nothing here walks /proc/PID/fd, which
// would create an inode and a dentry for each descriptor.
//
// It must not know how load is made. It needs a process id or an admin listener
// of the server, or neither: then it reads its own process and the kernel.
package ledger
