// Package doctor computes, before a single connection is made, which limits of
// the machine stand against a number of connections, on both sides, how many
// would fit, and the command that raises each limit.
//
// It reads and changes nothing else, and must not know how load is made.
package doctor
