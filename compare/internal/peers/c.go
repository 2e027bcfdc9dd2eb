package peers

import "slices"

// cFloor is what there is below all others: a WebSocket echo on epoll alone.
var cFloor = Peer{
	Name:      "c-floor",
	Summary:   "C, epoll and nothing else: one thread, no memory for an idle connection, no timeouts, no TLS; scripts/peers/c/floor_ws.c",
	IdleBytes: 64,
}

// libwebsockets is the library for C that Debian has, and an echo as its examples are.
var libwebsockets = Peer{
	Name:      "libwebsockets",
	Summary:   "C, libwebsockets 4.1.6 from Debian: one thread, its own event loop on poll(2), no extensions",
	IdleBytes: 6_500,
	Lesson: slices.Concat(
		because("hangs up without an answer",
			"handshake/subprotocol-not-invented", "handshake/without-key", "handshake/other-upgrade", "handshake/without-connection",
			"handshake/connection-keep-alive", "handshake/without-host", "handshake/space-before-colon"),
		because("does not look at Sec-WebSocket-Version",
			"handshake/wrong-version", "handshake/without-version"),
		because("does not look at the length of the key",
			"handshake/short-key"),
		because("takes the first of two fields that may come once",
			"handshake/two-hosts", "handshake/two-keys"),
		because("answers 404 to any POST",
			"handshake/post"),
		because("does not look at the version of HTTP",
			"handshake/http-1.0", "handshake/malformed-request-line"),
		because("keeps a request that asks for no upgrade, and answers nothing",
			"handshake/without-upgrade"),
		because("an error drops what waits to be echoed, which the library lets a server write from a callback alone",
			"frame/length-with-highest-bit", "frame/reserved-bits-001", "frame/reserved-bits-010", "frame/reserved-bits-011", "frame/reserved-bits-100",
			"frame/reserved-bits-101", "frame/reserved-bits-110", "frame/reserved-bits-111", "frame/reserved-opcode-3", "frame/reserved-opcode-4",
			"frame/reserved-opcode-5", "frame/reserved-opcode-6", "frame/reserved-opcode-7", "frame/reserved-opcode-11", "frame/reserved-opcode-12",
			"frame/reserved-opcode-13", "frame/reserved-opcode-14", "frame/reserved-opcode-15", "control/ping-of-126", "control/pong-of-126",
			"control/close-of-126", "control/ping-of-a-terabyte", "control/fragmented-ping", "control/fragmented-pong", "control/fragmented-close",
			"fragment/continuation-without-start", "fragment/final-continuation-without-start", "fragment/continuation-after-the-end",
			"utf8/invalid-lone-continuation", "utf8/invalid-overlong-two", "utf8/invalid-overlong-two-highest", "utf8/invalid-overlong-three",
			"utf8/invalid-overlong-four", "utf8/invalid-high-surrogate", "utf8/invalid-low-surrogate", "utf8/invalid-above-10ffff", "utf8/invalid-five-bytes",
			"utf8/invalid-byte-ff", "utf8/invalid-interrupted", "utf8/invalid-cut-short", "close/behind-messages"),
		because("does not insist on masks",
			"frame/unmasked", "frame/unmasked-empty", "frame/unmasked-ping"),
		because("answers one ping of those that wait, and the kit sends 100 at once",
			"control/many-pings"),
		because("does not see that a text ends within a character where the last fragment begins in it",
			"utf8/cut-short-at-the-last-fragment"),
		because("hangs up without a close frame",
			"close/garbage-after-it", "close/reason-not-utf8"),
		because("answers a close frame with a payload of 1 B by the same",
			"close/one-byte"),
		because("takes codes from 1012 on for wrong",
			"close/code-1012", "close/code-1013"),
		because("takes codes from 5000 on for right",
			"close/invalid-code-5000", "close/invalid-code-65535"),
		because("does not tell the server how long a frame is before its payload has come",
			"limit/terabyte-announced", "limit/most-announced", "limit/sum-overflows"),
	),
}
