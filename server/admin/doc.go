// Package admin is a listener of its own, never a measured port, on which a
// server tells what it holds: GET /stats (JSON), GET /metrics (Prometheus),
// POST /settle (collect garbage, return memory, then as /stats), /debug/pprof/
// and, of a server under a supervisor, POST /restart (kill its processes, start
// them again).
//
// Asking must not disturb what is asked about: descriptors are counted without
// walking /proc/self/fd, which would make a kernel object for each of them.
//
// The package knows an engine's counters and nothing else of it.
package admin
