// Package adversary is bad clients: they connect beside the healthy ones of a run,
// and what they cost those is what is measured. Each kind does one thing that a
// server must bear: it reads nothing, it sends a byte at a time, it never finishes
// its opening handshake, it floods with pings, it sends too much at once.
//
// One of them that the server ends, or refuses, comes again after a pause of about
// a second, so however many there are, the rate at which they connect is bounded by
// their number. Nothing that they do is timed.
//
// They are goroutines over package net, two for each at most, and no lane's
// business: what they cost this process is in its CPU time and in no connection of
// the run.
//
// The package must not know what healthy connections do. What is to be sent so that
// a server takes a client for one of its own is given to it as bytes.
package adversary
