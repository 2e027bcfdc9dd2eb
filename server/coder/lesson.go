package coder

import "signalbench/server/engine"

// Why the library fails what it fails.
const (
	countsWhatCame = "the library holds the bytes that have come against the read limit, not the length that a frame's header announces"
	echoesReason   = "the library answers a close frame with its code and reason, whatever the reason's bytes are"
)

// lesson lists the conformance cases that the engine fails.
var lesson = []engine.KnownFailure{
	{Case: "close/reason-not-utf8", Why: echoesReason},
	{Case: "limit/one-more-announced", Why: countsWhatCame},
	{Case: "limit/terabyte-announced", Why: countsWhatCame},
	{Case: "limit/most-announced", Why: countsWhatCame},
	{Case: "limit/sum-overflows", Why: countsWhatCame},
	{Case: "contract/cause-of-the-end", Why: countsWhatCame},
}
