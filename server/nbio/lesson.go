package nbio

import "signalbench/server/engine"

// Why the library fails what it fails.
const (
	parsesOn    = "the library parses what comes behind a request as the next request, while the upgrade waits for a goroutine"
	trimsNames  = "the library trims the names of header fields"
	dropsEmpty  = "the library does not tell of a message without payload"
	takesBare   = "the library unmasks a client's frame only if it says that it is masked, and takes it otherwise"
	waitsForAll = "the library takes a negative length for a header that has not come whole, and waits"
	limitFirst  = "the library holds a frame against the limit of messages before it looks at what a control frame may be"
	startsAny   = "the library takes a continuation for the start of a message, and tells of it when the message is whole"
	oldCodes    = "the library's list of close codes has 1015, which no endpoint sends, and not those registered after the RFC"
)

// lesson lists the conformance cases that the engine fails.
var lesson = []engine.KnownFailure{
	{Case: "handshake/glued-to-a-frame", Why: parsesOn},
	{Case: "handshake/glued-to-part-of-a-frame", Why: parsesOn},
	{Case: "handshake/glued-to-a-close", Why: parsesOn},
	{Case: "handshake/space-before-colon", Why: trimsNames},
	{Case: "frame/byte-per-write", Why: dropsEmpty},
	{Case: "frame/new-mask-each", Why: dropsEmpty},
	{Case: "frame/length-with-highest-bit", Why: waitsForAll},
	{Case: "frame/unmasked", Why: takesBare},
	{Case: "frame/unmasked-empty", Why: takesBare},
	{Case: "frame/unmasked-ping", Why: takesBare},
	{Case: "frame/text-of-0", Why: dropsEmpty},
	{Case: "frame/binary-of-0", Why: dropsEmpty},
	{Case: "frame/order-kept", Why: dropsEmpty},
	{Case: "control/ping-of-a-terabyte", Why: limitFirst},
	{Case: "fragment/only-empty-ones", Why: dropsEmpty},
	{Case: "fragment/many-messages", Why: dropsEmpty},
	{Case: "fragment/continuation-without-start", Why: startsAny},
	{Case: "close/code-1012", Why: oldCodes},
	{Case: "close/code-1013", Why: oldCodes},
	{Case: "close/invalid-code-1015", Why: oldCodes},
}
