// Package shards runs a server as several processes of the same program, so that
// it may hold more connections than one process may have descriptors
// (getrlimit(2), RLIMIT_NOFILE), and shows them as one.
//
// A shard that dies is not started again: that would hide from whoever measures
// that its connections are gone. The others go on. Whoever wants to see what
// clients do in that case asks for a restart of all, which kills them first.
package shards
