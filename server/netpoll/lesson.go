package netpoll

import "signalbench/server/engine"

// Why netpoll-desc fails what it fails.
const (
	nobodyReads = "an idle connection has no read under way that a deadline could end, and nothing else looks at it"
	writeWaits  = "Resume leaves the socket in blocking mode, so a write waits for the peer, whatever its deadline says, and with it the worker"
	workersHeld = "a handshake or a message that is not whole holds a worker, and there are fewer workers than such clients"
)

// lesson lists the conformance cases that netpoll-desc fails.
var lesson = []engine.KnownFailure{
	{Case: "timeout/silence", Why: nobodyReads},
	{Case: "timeout/silence-after-a-message", Why: nobodyReads},
	{Case: "timeout/rearmed-by-messages", Why: nobodyReads},
	{Case: "timeout/rearmed-by-pings", Why: nobodyReads},
	{Case: "timeout/rearmed-by-pongs", Why: nobodyReads},
	{Case: "timeout/half-open-peer", Why: nobodyReads},
	{Case: "timeout/hundred-at-once", Why: nobodyReads},
	{Case: "slow/reader-evicted", Why: writeWaits},
	{Case: "slow/neighbour-unharmed", Why: writeWaits},
	{Case: "crowd/300-byte-at-a-time", Why: workersHeld},
	{Case: "baseline/timed-out", Why: nobodyReads},
	{Case: "baseline/handshake-timed-out", Why: workersHeld},
	{Case: "baseline/evicted", Why: writeWaits},
	{Case: "contract/bytes-stay-the-callers", Why: writeWaits},
	{Case: "contract/close-behind-messages", Why: writeWaits},
	{Case: "contract/close-not-answered", Why: nobodyReads},
	{Case: "contract/counters", Why: nobodyReads},
	{Case: "fanout/unread-kept", Why: writeWaits},
	{Case: "fanout/slow-close", Why: writeWaits},
	{Case: "fanout/slow-drop", Why: writeWaits},
	{Case: "overload/slow-close", Why: writeWaits},
	{Case: "overload/slow-drop", Why: writeWaits},
}
