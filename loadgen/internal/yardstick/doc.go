// Package yardstick is what a machine does without a WebSocket server: bare connect
// and accept, and bare fan-out, a loop of write(2) over many TCP connections of
// loopback with an epoll reader at their other ends. Raw system calls, threads for
// each end, and nothing else. What a run reaches in upgrades or deliveries is given
// as a ratio to what this reaches on the same machine in the same minute. It must
// not know WebSocket, and nothing of it may be slower than it has to be.
package yardstick
