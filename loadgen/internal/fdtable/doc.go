// Package fdtable makes room in a process's table of descriptors, and tells how
// much there is.
//
// The kernel doubles a full table, and where several threads share it each doubling
// waits for a grace period of RCU, 5 to 25 ms, while whoever wants a descriptor waits
// as well (Linux, fs/file.c, expand_fdtable). A ramp to 10,000 connections meets six
// of these stops at each end, which are then its slowest hundred upgrades.
package fdtable
