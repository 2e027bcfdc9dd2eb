package peers

// cowboy is Erlang's usual HTTP server, under Phoenix as well, with a process for each
// connection and each room.
var cowboy = Peer{
	Name:      "cowboy",
	Summary:   "Erlang/OTP 25 and Cowboy 2.8.0, jiffy for JSON: a process per connection, one per room",
	IdleBytes: 32_000,
	Rooms:     true,
	Lesson:    cowboyLesson,
}

// cowboyHibernate is the same server, which trades time for memory.
var cowboyHibernate = Peer{
	Name:      "cowboy-hibernate",
	Summary:   "the same, and a connection's process hibernates after each message",
	IdleBytes: 12_000,
	Rooms:     true,
	Lesson:    cowboyLesson,
}

const early = "now and then takes what comes with the request for the next request and answers 400; clients are to wait for the answer (RFC 6455 section 4.1)"

var cowboyLesson = []KnownFailure{
	{"handshake/glued-to-a-frame", early},
	{"handshake/glued-to-part-of-a-frame", early},
	{"handshake/glued-to-a-close", early},
	{"handshake/wrong-version", "answers 400, not 426"},
	{"handshake/short-key", "does not look at the length of the key"},
	{"handshake/two-keys", "joins the two with a comma and takes it for the key"},
	{"handshake/post", "answers 426, as it takes any POST for one that does not ask for WebSocket"},
	{"close/code-1012", "cowlib 2.9.1 knows the codes up to 1011 alone"},
	{"close/code-1013", "the same"},
}
