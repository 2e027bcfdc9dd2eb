package gws

import "signalbench/server/engine"

// lesson lists the conformance cases that the engine fails.
var lesson = []engine.KnownFailure{
	{Case: "control/ping-of-a-terabyte", Why: "the library holds a frame against the limit of messages, with 1009, before it looks at what a control frame may be"},
	{Case: "close/byte-per-write", Why: "the library answers every close code below 1016 with 1000"},
}
