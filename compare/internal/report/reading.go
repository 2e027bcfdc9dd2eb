package report

// A paragraph of the explanation that stands in every report.
type paragraph struct{ Head, Text string }

var reading = []paragraph{
	{"VALID, INVALID.", "Every run judges itself: each operation that was scheduled is completed, failed or dropped and counted once; every echo carries a sequence number that is checked; " +
		"histograms hold as many values as were counted; the rate offered is the rate asked for; the load generator was on time and not starved of CPU; the server was alive at the end. " +
		"A run that fails a check is INVALID, the finding says why, and its figures must not be quoted. A comparison is INVALID if one of its runs is invalid or missing."},
	{"Response time and service time.", "In the open loop every message has a due time, fixed in advance. Response time runs from the due time to the echo, so a server that stalls is charged for everything that had to wait meanwhile. " +
		"Service time runs from the actual sending to the echo. The difference is the load generator's lag, which is shown and limited. " +
		"A closed loop sends only when an answer has arrived; it measures throughput, and its service time says nothing about latency under a load that does not wait."},
	{"Rooms.", "Signaling is spoken over Phoenix Channels. A relayed message is for one peer of a room and is counted when that peer has it; a broadcast is for all of a room, and a delivery is one of them having it. " +
		"Both run from the moment the message was due in the open loop. A fan-out is also given as a ratio to a bare loop of write(2) over as many connections in the same run, which a faster or busier machine moves less than the rate itself."},
	{"Storms.", "In a storm all connections are lost at once. Dials that fail and are tried again say something about the server and do not make a run INVALID; a client that does not come back does."},
	{"Upgrade.", "Connecting is split: TCP connect (from the scheduled moment of dialling), TLS if any, upgrade (request sent to the 101 response verified, with its Sec-WebSocket-Accept), first echo."},
	{"The ledger.", "Memory per connection is the slope of a line through readings at several counts of connections, with its confidence interval, never a total divided by N. " +
		"Before each reading both sides collect garbage and return free memory. User space is the server process; the kernel's part is counted by slab object, for the whole machine. " +
		"On one machine both ends of a connection are in it: the load generator holds one socket, inode, file, dentry and epoll entry per connection, and the rest is the server's half."},
	{"Projection.", "What the slope leads to expect is no measurement: it takes for granted that a further connection costs what those before it did, and it knows nothing of limits other than memory. " +
		"Where a run with more connections is given, or the run has plateaus enough, what was projected stands beside what was measured."},
	{"Repetitions.", "Each repetition starts a fresh server process; one is alive at a time; the order of the engines changes from one repetition to the next. " +
		"Percentiles come from the merged histograms of all repetitions. Differences are tested with the Mann-Whitney U test: ~ means that none was found at p < 0.05. Fewer than 5 repetitions carry no claim."},
}
