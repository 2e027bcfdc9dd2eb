// Package yardstick is bare connect and accept: TCP connections of loopback that
// are opened and accepted by raw system calls, one thread at each end, and nothing
// else. What a run reaches in upgrades is given as a ratio to what this reaches on
// the same machine in the same minute. It must not know WebSocket, and nothing of
// it may be slower than it has to be.
package yardstick
