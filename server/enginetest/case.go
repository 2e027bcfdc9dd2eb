package enginetest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A Case is one thing that is expected of a server.
type Case struct {
	// Name is stable: lists of known failures and filters refer to it. It is
	// kebab-case behind its group: "frame/two-in-a-segment".
	Name string
	// Section says who demands it: "RFC 6455 5.2", "RFC 9112 3.2", or
	// "robustness" for what no RFC states and every server needs.
	Section string
	// Doc is the expectation in one sentence.
	Doc string
	// Quick cases wait for no timeout and send no flood.
	Quick bool
	// Alone cases look at the server as a whole and run with no other beside them.
	Alone bool
	// Needs are asked in turn before the case runs.
	Needs []Need
	// Run returns nil, a [Leniency], or an error that says what was expected
	// and what came. It ends when ctx does.
	Run func(ctx context.Context, t *Target) error
}

// A Need returns why a case cannot be decided on a target, or "".
type Need func(*Target) (missing string)

// A Leniency is returned by a case that passes with a note: the peer's
// violation was let through where the RFC leaves the receiver free.
type Leniency string

func (l Leniency) Error() string { return string(l) }

// Cases returns all cases in the order in which a report shows them.
func Cases() []Case {
	return slices.Concat(
		handshakeCases(),
		frameCases(),
		controlCases(),
		fragmentCases(),
		utf8Cases(),
		closeCases(),
		limitCases(),
		timeoutCases(),
		slowCases(),
		crowdCases(),
		baselineCases(),
	)
}

// missing returns why c cannot be decided on t, or "".
func (c *Case) missing(t *Target) string {
	for _, need := range c.Needs {
		if m := need(t); m != "" {
			return m
		}
	}
	return ""
}

// longestWait is the longest timeout of a server that a case sits out.
const longestWait = 3 * time.Second

func waitable(name string, get func(*Target) time.Duration) Need {
	return func(t *Target) string {
		switch d := get(t); {
		case d <= 0:
			return "the " + name + " is not known"
		case d > longestWait:
			return fmt.Sprintf("the %s of %v is more than %v", name, d, longestWait)
		}
		return ""
	}
}

// What cases need to know of a target.
var (
	needReadTimeout      Need = waitable("read timeout", func(t *Target) time.Duration { return t.ReadTimeout })
	needHandshakeTimeout Need = waitable("handshake timeout", func(t *Target) time.Duration { return t.HandshakeTimeout })
	needWriteTimeout     Need = waitable("write timeout", func(t *Target) time.Duration { return t.WriteTimeout })
)

// patientWith is the need for a timeout that cannot fire while a case is slow
// on purpose.
func patientWith(name string, get func(*Target) time.Duration) Need {
	return func(t *Target) string {
		if d := get(t); d > 0 && d < longestWait {
			return fmt.Sprintf("the %s of %v could fire during the case", name, d)
		}
		return ""
	}
}

var (
	needPatientRead      Need = patientWith("read timeout", func(t *Target) time.Duration { return t.ReadTimeout })
	needPatientHandshake Need = patientWith("handshake timeout", func(t *Target) time.Duration { return t.HandshakeTimeout })
	needPatientWrite     Need = patientWith("write timeout", func(t *Target) time.Duration { return t.WriteTimeout })
)

// largestSent is the largest message that the kit is willing to send.
const largestSent = 16 << 20

// needMessage is the need for messages of n bytes.
func needMessage(n int) Need {
	return func(t *Target) string {
		if t.MaxMessage > 0 && t.MaxMessage < n {
			return fmt.Sprintf("messages end at %d B", t.MaxMessage)
		}
		return ""
	}
}

func needMaxMessage(t *Target) string {
	switch {
	case t.MaxMessage <= 0:
		return "the largest message is not known"
	case t.MaxMessage > largestSent:
		return fmt.Sprintf("the largest message of %d B is more than %d B", t.MaxMessage, largestSent)
	}
	return ""
}

func needOutbox(t *Target) string {
	if t.Outbox <= 0 {
		return "the outbox is not known"
	}
	return ""
}

func needProbe(t *Target) string {
	if t.Probe == nil {
		return "there is no way to ask what the server holds"
	}
	return ""
}

func needOriginCheck(t *Target) string {
	if !t.ChecksOrigin {
		return "the server is not said to check origins"
	}
	return ""
}

func needPath(t *Target) string {
	if e, err := t.endpoint(); err == nil && e.path == "/" {
		return "the URL has no path, so the server may serve every path"
	}
	return ""
}
