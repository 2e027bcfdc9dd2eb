// Package admin is a listener of its own, never a measured port, on which a
// server tells what it holds: GET /stats (JSON), GET /metrics (Prometheus),
// POST /settle (collect garbage, return memory, then as /stats), /debug/pprof/
// and, of a server under a supervisor, POST /restart (kill its processes, start
// them again). Here is also where others than clients publish: POST
// /publish/CHANNEL with a message, POST /broadcast/ROOM/EVENT with a payload.
//
// Whoever reaches the listener may do all of that: it is to be a private address.
// Only what a browser asks for on behalf of a page from elsewhere is refused, but for
// reading, of which the page sees nothing.
//
// Asking must not disturb what is asked about: descriptors are counted without
// walking /proc/self/fd, which would make a kernel object for each of them.
//
// The package knows the counters of an engine and of the service on it, and nothing
// else of them.
package admin
