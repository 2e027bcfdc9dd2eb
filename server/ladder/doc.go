// Package ladder is the ladder of servers of "A Million WebSockets and Go" (Sergey
// Kamardin, Mail.ru, 2017): four engines, each of which does away with one thing
// that the one before it keeps for an idle connection. The article's arithmetic,
// in user space and for one connection:
//
//	A  two goroutines 8 KB, their buffers 4 + 4 KB, net/http's pair 8 KB    24 KB
//	B  readiness-driven reading, lazy writing; net/http's pair              8 KB
//	C  the same, with a bounded pool instead of a goroutine for each event  8 KB
//	D  the same, upgraded on the raw connection, without net/http           0 KB
//
// Each rung has its file; what they share is here as it is for the other engines
// (conns, outbox, frame, upgrade), so that a difference between two rungs is the
// article's step and nothing else. These are package net's sockets in all four: what
// its descriptors and the runtime's poller take is in every rung, and makes D
// larger than engine netpoll.
//
// Where a rung does more than the article shows (bounds, timeouts, a drain, frames
// cut anywhere), it is what the conformance kit asks of every engine. Reading by
// readiness leaves no read under way that a deadline could end, so the rungs from B
// on look at all deadlines a few times in each ([server.sweep]).
package ladder
