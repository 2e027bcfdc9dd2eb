package peers

// nodeWS is the WebSocket library of Node.js that most others are built on.
var nodeWS = Peer{
	Name:      "node-ws",
	Summary:   "Node.js, ws 8.23.0 from npm: one thread, no compression",
	IdleBytes: 12_000,
	Lesson: []KnownFailure{
		{"handshake/wrong-version", "answers 400 with the versions that it speaks, not 426"},
		{"handshake/http-1.0", "does not look at the version of HTTP"},
		{"handshake/without-host", "does not look for Host in an upgrade"},
		{"handshake/two-hosts", "the same, and Node's parser keeps the first"},
		{"handshake/unknown-path", "answers 400, not 404"},
		{"control/many-pings", "ends a connection with more than 60 pongs to write (maxPendingAutoPongs), and the kit sends 100 pings at once"},
	},
}
