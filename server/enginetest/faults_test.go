package enginetest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"signalbench/server/engine"
)

// A fault is one rule that a reference breaks.
type fault string

// A breakage says which cases a fault must turn red.
type breakage struct {
	fault fault
	red   string // a regular expression over names of cases, all of which must fail
	// short sets short timeouts, for cases that sit one out.
	short bool
	// within is how long a case may go on without its answer; 0 means 1.5 s.
	within time.Duration
}

const (
	noFault fault = ""

	agreesToAnything       fault = "agrees to any extension"
	alwaysCleanCause       fault = "calls every end clean"
	alwaysCode1000         fault = "fails every connection with 1000"
	answersGarbageWith101  fault = "answers garbage with 101"
	anyConnection          fault = "takes any Connection field"
	anyKey                 fault = "takes any key"
	anyMethod              fault = "takes any method"
	anyOrigin              fault = "takes any origin"
	anyPath                fault = "takes any path"
	anyProto               fault = "takes any version of HTTP"
	anyUpgrade             fault = "takes any Upgrade field"
	anyVersion             fault = "takes any version"
	bytesPutSilenceOff     fault = "lets bytes put the read timeout off"
	closeDropsQueue        fault = "drops what is queued when it closes"
	closeNeverCut          fault = "waits for ever for the answer to Close"
	ignoresClose           fault = "does not answer a close frame"
	closedTwice            fault = "calls Closed twice"
	closeSentTwice         fault = "sends two close frames"
	controlDoesNotCount    fault = "does not let pings and pongs put the read timeout off"
	corruptsLastByte       fault = "corrupts the last byte of a message"
	descriptorLeak         fault = "leaks a descriptor for each connection"
	drainNeverLate         fault = "hides a missed drain deadline"
	dropIsEviction         fault = "evicts where it should drop"
	dropsWithoutClose      fault = "fails connections without a close frame"
	echoesAfterClose       fault = "answers a close frame behind a message of its own"
	emptyFragmentEnds      fault = "takes an empty fragment for the last"
	emptyMessagesLost      fault = "loses empty messages"
	emptyPongs             fault = "sends empty pongs"
	endlessHead            fault = "reads a head of any length"
	evictionsNotCounted    fault = "does not count evictions"
	exactTokens            fault = "compares tokens with their case"
	fragmentedControl      fault = "takes control frames in fragments"
	fragmentsNotJoined     fault = "takes each fragment for a message"
	fragmentsPutSilenceOff fault = "lets fragments put the read timeout off"
	goroutineLeak          fault = "leaks a goroutine for each connection"
	halfCloseIgnored       fault = "keeps a connection whose client has ended its side"
	handshakeInAcceptLoop  fault = "reads the handshake in the accept loop"
	handshakeInOneRead     fault = "expects the head in one segment"
	handshakesOutlive      fault = "lets handshakes outlive Serve"
	handshakeTimeoutByByte fault = "lets each byte put the handshake timeout off"
	headerInOneRead        fault = "expects a frame's header in one segment"
	ignoresPing            fault = "ignores pings"
	impatientClose         fault = "does not wait for the answer to Close"
	impatientHandshake     fault = "ends a handshake after half the timeout"
	impatientRead          fault = "ends silence after half the timeout"
	inventsSubprotocol     fault = "agrees to a subprotocol that was not offered"
	knownCodesOnly         fault = "knows close codes 1000 and 1001 only"
	limitAfterPayload      fault = "reads a payload before it looks at its length"
	limitPerConnection     fault = "counts the limit over all messages"
	limitPerFrame          fault = "holds frames, not messages, to the limit"
	listenerLeftOpen       fault = "leaves a listener open"
	longControl            fault = "takes control frames of any length"
	losesGlued             fault = "loses what is glued to the handshake"
	lowerLimit             fault = "has a limit one byte lower"
	masksFrames            fault = "masks its frames"
	messageBeforeOpen      fault = "calls Message before Open"
	messagesDoNotCount     fault = "does not let messages put the read timeout off"
	misreadsLongLengths    fault = "misreads lengths that are not minimal"
	mixesUp                fault = "answers another client"
	neverClosedCalled      fault = "does not call Closed"
	noConnLimit            fault = "has no limit of connections"
	noHandshakeTimeout     fault = "has no handshake timeout"
	noHostNeeded           fault = "needs no Host field"
	noMessageLimit         fault = "has no limit of messages"
	neverTimesOut          fault = "has no read timeout"
	noUTF8Check            fault = "does not check UTF-8"
	noWriteTimeout         fault = "has no write timeout"
	oneBuffer              fault = "queues all messages in one buffer"
	oneListener            fault = "serves one listener"
	openNotCountedDown     fault = "does not count open connections down"
	pingEndsMessage        fault = "forgets a message when a ping comes between"
	pongAfterMessage       fault = "answers a ping behind the unfinished message"
	pongIsViolation        fault = "takes a pong for a violation"
	queryIsPath            fault = "takes the query for part of the path"
	reasonsNotSent         fault = "does not send the reason of Close"
	refusalIs500           fault = "answers every refusal with 500"
	refusalsNotCounted     fault = "counts refusals as failures"
	refusesZeroMask        fault = "takes a zero mask for none"
	reorders               fault = "sends messages out of order"
	requestHalfFilled      fault = "tells the handler no query"
	resetEndsAll           fault = "ends all connections when one is reset"
	segmentIsFrame         fault = "takes a segment for a frame"
	sendAfterClose         fault = "pretends to send after the end"
	sendBlocks             fault = "holds all up while one does not read"
	sendOnOpenLost         fault = "loses what is sent from Open"
	setsReservedBits       fault = "sets a reserved bit"
	shortReasons           fault = "takes short reasons only"
	signedLengths          fault = "ignores the highest bit of a length"
	silenceNotCounted      fault = "does not count silent connections"
	silentDrain            fault = "drains without close frames"
	slotsNotGivenBack      fault = "does not give back the place of a connection"
	smallFields            fault = "takes small header fields only"
	smallOutbox            fault = "evicts at an eighth of the outbox"
	stateIsShared          fault = "shares the state of all connections"
	takesAnyCode           fault = "takes any close code"
	takesAnyReason         fault = "takes any reason"
	takesFrameInside       fault = "takes a new message inside a fragmented one"
	takesLoneContinuation  fault = "takes a continuation without a start"
	takesOneByteClose      fault = "reads half a close code"
	takesReservedBits      fault = "takes reserved bits"
	takesReservedOpcodes   fault = "takes reserved opcodes"
	takesTwoHosts          fault = "takes two Host fields"
	takesTwoKeys           fault = "takes two keys"
	takesUnmasked          fault = "takes frames without a mask"
	tcpOpenAfterClose      fault = "leaves TCP open after the closing handshake"
	tcpOpenAfterRefusal    fault = "leaves TCP open after a refusal"
	tcpOpenAfterSilence    fault = "leaves TCP open after the read timeout"
	tcpOpenAfterViolation  fault = "waits for ever for the answer to a close frame"
	unboundedOutbox        fault = "has no limit of its outbox"
	trimsNames             fault = "trims the names of header fields"
	unmasksWrongly         fault = "unmasks bytes from the 65th wrongly"
	utf8OfBinary           fault = "checks binary for UTF-8"
	utf8OfFirstFrame       fault = "checks only the first frame for UTF-8"
	utf8PerFrame           fault = "checks each frame for UTF-8 by itself"
	versionNotNamed        fault = "does not name its version"
	waitsForHungUp         fault = "waits for a client that has hung up in the handshake"
	wastesLengths          fault = "writes every length in 64 bits"
	wrongAccept            fault = "sends the wrong Accept"
	policyIgnored          fault = "takes no notice of a message's own policy"
	preparedEndsAt64K      fault = "cuts prepared messages at 64 KiB"
	preparedBehindAll      fault = "sends prepared messages behind a close frame"
	preparedOvertakes      fault = "lets prepared messages overtake"
	writesToShared         fault = "writes to the bytes that it shares"
	jobsBackwards          fault = "does the last job first"
	diesOfPanic            fault = "does no job after one that panics"
	homeOutlives           fault = "takes jobs after its end"
	zeroTimeoutIsAtOnce    fault = "takes a read timeout of 0 for no time"
)

var breakages = []breakage{
	{fault: wrongAccept, red: `^handshake/accepted$`},
	{fault: masksFrames, red: `^handshake/accepted$`},
	{fault: setsReservedBits, red: `^handshake/accepted$`},
	{fault: wastesLengths, red: `^handshake/accepted$`},
	{fault: exactTokens, red: `^handshake/header-fields-in-any-case$`},
	{fault: smallFields, red: `^handshake/unknown-header-fields$`},
	{fault: agreesToAnything, red: `^handshake/unknown-extension-offered$`},
	{fault: queryIsPath, red: `^handshake/query$`},
	{fault: inventsSubprotocol, red: `^handshake/subprotocol-not-invented$`},
	{fault: handshakeInOneRead, red: `^handshake/byte-per-write$`},
	{fault: losesGlued, red: `^handshake/glued`},
	{fault: anyVersion, red: `^handshake/(wrong|without)-version$`},
	{fault: versionNotNamed, red: `^handshake/wrong-version$`},
	{fault: anyKey, red: `^handshake/(without|short)-key$`},
	{fault: anyMethod, red: `^handshake/post$`},
	{fault: anyProto, red: `^handshake/http-1.0$`},
	{fault: anyUpgrade, red: `^handshake/(without|other)-upgrade$`},
	{fault: anyConnection, red: `^handshake/(without-connection|connection-keep-alive)$`},
	{fault: noHostNeeded, red: `^handshake/without-host$`},
	{fault: takesTwoHosts, red: `^handshake/two-hosts$`},
	{fault: takesTwoKeys, red: `^handshake/two-keys$`},
	{fault: trimsNames, red: `^handshake/space-before-colon$`},
	{fault: answersGarbageWith101, red: `^handshake/(malformed-request-line|not-http)$`},
	{fault: tcpOpenAfterRefusal, red: `^handshake/not-http$`},
	{fault: anyPath, red: `^handshake/unknown-path$`},
	{fault: anyOrigin, red: `^handshake/foreign-origin$`},
	{fault: endlessHead, red: `^handshake/oversize$`},
	{fault: waitsForHungUp, red: `^handshake/closed-half-way$`},
	{fault: noHandshakeTimeout, red: `^handshake/.*-closed$`, short: true, within: 4 * time.Second},
	{fault: impatientHandshake, red: `^handshake/.*-closed$`, short: true, within: 4 * time.Second},
	{fault: handshakeTimeoutByByte, red: `^handshake/trickled-head-closed$`, short: true, within: 4 * time.Second},

	{fault: segmentIsFrame, red: `^frame/(two|hundred|one-and-a-half)-in-a-segment$`},
	{fault: headerInOneRead, red: `^(frame/(long-length-)?|control/ping-|fragment/|utf8/invalid-|close/)byte-per-write$`},
	{fault: refusesZeroMask, red: `^frame/zero-mask$`},
	{fault: unmasksWrongly, red: `^frame/new-mask-each$`},
	{fault: reorders, red: `^frame/order-kept$|^contract/send-from-anywhere$`},
	{fault: misreadsLongLengths, red: `^frame/(long-)?length-not-minimal$`},
	{fault: signedLengths, red: `^frame/length-with-highest-bit$`},
	{fault: takesUnmasked, red: `^frame/unmasked`},
	{fault: takesReservedBits, red: `^frame/reserved-bits`},
	{fault: takesReservedOpcodes, red: `^frame/reserved-opcode`},
	{fault: alwaysCode1000, red: `^frame/(unmasked|reserved)|^utf8/invalid|^limit/one-more`},
	{fault: dropsWithoutClose, red: `^frame/(unmasked|reserved)|^utf8/invalid|^limit/one-more`},
	{fault: corruptsLastByte, red: `^frame/(text|binary)-of-[1-9]`},
	{fault: emptyMessagesLost, red: `^frame/(text|binary)-of-0$`},

	{fault: pongIsViolation, red: `^control/unsolicited-pong$`},
	{fault: ignoresPing, red: `^control/(ping-of-(0|1|124|125)|many-pings|ping-byte-per-write|ping-before-message-echo|ping-between-fragments.*)$`},
	{fault: emptyPongs, red: `^control/ping-of-(1|124|125)$`},
	{fault: pongAfterMessage, red: `^control/ping-between-fragments`},
	{fault: pingEndsMessage, red: `^control/ping-between-fragments`},
	{fault: longControl, red: `^control/(ping|pong|close)-of-(126|a-terabyte)$`},
	{fault: fragmentedControl, red: `^control/fragmented`},

	{fault: fragmentsNotJoined, red: `^fragment/(hundred|byte-per-write|many-messages)`},
	{fault: emptyFragmentEnds, red: `^fragment/(only-)?empty-ones$`},
	{fault: takesLoneContinuation, red: `^fragment/(final-)?continuation`},
	{fault: takesFrameInside, red: `^fragment/(text|binary)-frame-inside$`},

	{fault: noUTF8Check, red: `^utf8/(invalid|overlong|cut-short|code-point-not)`},
	{fault: utf8OfFirstFrame, red: `^utf8/(invalid-split|overlong-split|cut-short-at)`},
	{fault: utf8PerFrame, red: `^utf8/valid-(two|three|four)-bytes|^utf8/valid-byte-order-mark`},
	{fault: pingEndsMessage, red: `^utf8/valid-`},
	{fault: utf8OfBinary, red: `^utf8/binary-is-not-text$`},

	{fault: ignoresClose, red: `^close/(empty|with-reason|behind-messages|code-)|^fragment/close-inside$|^crowd/upgrade-and-close$`},
	{fault: tcpOpenAfterClose, red: `^close/(empty|code-)`},
	{fault: shortReasons, red: `^close/with-reason$`},
	{fault: knownCodesOnly, red: `^close/code-(1003|1007|1013|3000|4999)$`},
	{fault: echoesAfterClose, red: `^close/(nothing|garbage)-after-it$`},
	{fault: closeSentTwice, red: `^close/(nothing|garbage)-after-it$`},
	{fault: takesOneByteClose, red: `^close/one-byte$`},
	{fault: takesAnyReason, red: `^close/reason-not-utf8$`},
	{fault: takesAnyCode, red: `^close/invalid-code`},
	{fault: halfCloseIgnored, red: `^close/half-close`},

	{fault: lowerLimit, red: `^limit/exact`},
	{fault: limitPerConnection, red: `^limit/exact-twice$`},
	{fault: limitPerFrame, red: `^limit/one-more-in-fragments$`},
	{fault: limitAfterPayload, red: `^limit/(one-more-announced|terabyte-announced|most-announced)$`},
	{fault: noMessageLimit, red: `^limit/(one-more|terabyte|most|sum-overflows)`},

	{fault: neverTimesOut, red: `^timeout/(silence|unfinished|half-open|hundred)`, short: true, within: 4 * time.Second},
	{fault: impatientRead, red: `^timeout/(silence|unfinished-frame|rearmed)`, short: true, within: 4 * time.Second},
	{fault: messagesDoNotCount, red: `^timeout/rearmed-by-messages$`, short: true, within: 4 * time.Second},
	{fault: controlDoesNotCount, red: `^timeout/rearmed-by-p`, short: true, within: 4 * time.Second},
	{fault: bytesPutSilenceOff, red: `^timeout/trickled-frame$`, short: true, within: 4 * time.Second},
	{fault: fragmentsPutSilenceOff, red: `^timeout/trickled-fragments$`, short: true, within: 4 * time.Second},
	{fault: tcpOpenAfterSilence, red: `^timeout/(silence|half-open-peer)$`, short: true, within: 4 * time.Second},
	{fault: tcpOpenAfterViolation, red: `^timeout/close-not-answered$`, short: true, within: 4 * time.Second},

	{fault: unboundedOutbox, red: `^slow/reader-evicted$|^overload/slow-close$`, within: caseTime},
	{fault: unboundedOutbox, red: `^slow/ping-flood$`, within: caseTime},
	{fault: sendBlocks, red: `^slow/neighbour-unharmed$`},
	{fault: smallOutbox, red: `^slow/unread-answers-kept$`},
	{fault: closeDropsQueue, red: `^slow/unread-answers-before-close$|^contract/close-behind-messages$`},

	{fault: handshakeInAcceptLoop, red: `^crowd/300-byte-at-a-time$`},
	{fault: resetEndsAll, red: `^crowd/thousand-resets$`},
	{fault: mixesUp, red: `^crowd/messages-not-mixed-up$`},

	{fault: goroutineLeak, red: `^baseline/(closed|hung-up|violated|reset-(behind|idle|in-a))`, within: 300 * time.Millisecond},
	{fault: goroutineLeak, red: `^baseline/evicted$`, within: 3 * time.Second},
	{fault: goroutineLeak, red: `^baseline/timed-out$`, short: true},
	{fault: descriptorLeak, red: `^baseline/(refused|unfinished-handshake|closed|reset-connected|reset-in-the-handshake)$`, within: 300 * time.Millisecond},
	{fault: descriptorLeak, red: `^baseline/handshake-timed-out$`, short: true},
	{fault: openNotCountedDown, red: `^baseline/(closed|hung-up)$`, within: 300 * time.Millisecond},

	{fault: silentDrain, red: `^drain/clean$`},
	{fault: listenerLeftOpen, red: `^drain/(nobody-connected|clean)$`},
	{fault: drainNeverLate, red: `^drain/deadline$`},
	{fault: handshakesOutlive, red: `^drain/handshakes$`},

	{fault: closedTwice, red: `^contract/order-of-calls$`},
	{fault: neverClosedCalled, red: `^contract/(order-of-calls|cause-of-the-end|closed-conn)$`},
	{fault: messageBeforeOpen, red: `^contract/order-of-calls$`},
	{fault: requestHalfFilled, red: `^contract/request$`},
	{fault: refusalIs500, red: `^contract/refusal$`},
	{fault: refusalsNotCounted, red: `^contract/(refusal|counters)$`},
	{fault: stateIsShared, red: `^contract/state$`},
	{fault: alwaysCleanCause, red: `^contract/cause-of-the-end$`},
	{fault: sendAfterClose, red: `^contract/(closed-conn|close-behind-messages)$`},
	{fault: sendOnOpenLost, red: `^contract/send-on-open$`},
	{fault: oneBuffer, red: `^contract/bytes-stay-the-callers$`},
	{fault: reasonsNotSent, red: `^contract/close-behind-messages$`},
	{fault: closeNeverCut, red: `^contract/close-not-answered$`},
	{fault: impatientClose, red: `^contract/close-not-answered$`},
	{fault: zeroTimeoutIsAtOnce, red: `^contract/no-read-timeout$`},
	{fault: oneListener, red: `^contract/several-listeners$`},
	{fault: silenceNotCounted, red: `^contract/counters$`},

	{fault: writesToShared, red: `^fanout/(sizes|over-tls|from-anywhere|unread-kept|home-order)$`},
	{fault: preparedEndsAt64K, red: `^fanout/(sizes|over-tls)$`},
	{fault: preparedOvertakes, red: `^fanout/from-anywhere$`},
	{fault: oneBuffer, red: `^fanout/unread-kept$`},
	{fault: policyIgnored, red: `^fanout/slow-(close|drop)$`},
	{fault: dropIsEviction, red: `^fanout/slow-drop$`},
	{fault: evictionsNotCounted, red: `^fanout/slow-close$`},
	{fault: sendAfterClose, red: `^fanout/closed-conn$`},
	{fault: preparedBehindAll, red: `^fanout/(closed-conn|nothing-behind-close)$`},
	{fault: jobsBackwards, red: `^fanout/home-order$`},
	{fault: diesOfPanic, red: `^fanout/home-panic$`},
	{fault: homeOutlives, red: `^fanout/home-of-an-ended-server$`},

	{fault: noConnLimit, red: `^overload/max-conns`},
	{fault: slotsNotGivenBack, red: `^overload/max-conns`},
	{fault: evictionsNotCounted, red: `^overload/slow-close$`},
	{fault: dropIsEviction, red: `^overload/slow-drop$`},
	{fault: noWriteTimeout, red: `^overload/write-timeout$`},
}

// TestReference shows that every case can pass.
func TestReference(t *testing.T) { Test(t, referenceWith()) }

// TestFaults shows that every case can fail: a server that breaks one rule is
// caught by the cases that hold it.
func TestFaults(t *testing.T) {
	results := make([][]Result, len(breakages))
	// On a busy machine the reference may be late: it then finds in one segment
	// what was sent byte by byte, or ends a silence late. So there are three tries.
	run := func(i int) (err error) {
		for range 3 {
			results[i], err = breakages[i].run(t.Context())
			if err != nil || !slices.ContainsFunc(results[i], func(r Result) bool { return r.Outcome != Failed }) {
				break
			}
		}
		return err
	}
	// Most wait. What counts the goroutines of the process, or sends a flood,
	// runs by itself.
	var together errgroup.Group
	together.SetLimit(16)
	for i, b := range breakages {
		if !b.alone() {
			together.Go(func() error { return run(i) })
		}
	}
	if err := together.Wait(); err != nil {
		t.Fatal(err)
	}
	lost.release()
	for i, b := range breakages {
		if b.alone() {
			if err := run(i); err != nil {
				t.Fatal(err)
			}
			lost.release()
		}
	}
	for i, b := range breakages {
		t.Run(strings.ReplaceAll(string(b.fault), " ", "-"), func(t *testing.T) {
			if len(results[i]) == 0 {
				t.Errorf("no case matches %q", b.red)
			}
			for _, r := range results[i] {
				if r.Outcome != Failed {
					t.Errorf("%s %s, want it to fail against a server that %s", r.Name, r.Outcome, b.fault)
				}
				t.Logf("%s: %s", r.Name, r.Note)
			}
		})
	}
}

// alone reports whether b's cases want the machine to themselves.
func (b breakage) alone() bool {
	for _, group := range []string{"baseline", "slow", "crowd"} {
		if strings.HasPrefix(b.red, "^"+group+"/") {
			return true
		}
	}
	return false
}

// run runs the cases that b must turn red against a reference with its fault.
func (b breakage) run(ctx context.Context) ([]Result, error) {
	e := referenceWith(b.fault)
	o := Options{Filter: b.red, caseTime: b.within}
	if b.within == 0 {
		o.caseTime = 1500 * time.Millisecond
	}
	s := setup{config: func(c *engine.Config) {
		if b.short {
			hasty(c)
		}
		c.DrainTimeout = 100 * time.Millisecond // a broken server need not end well
		if b.fault == unboundedOutbox {
			c.WriteTimeout = time.Minute // or that bounds it
		}
	}}
	red, err := regexp.Compile(b.red)
	if err != nil {
		return nil, err
	}
	var results []Result
	if cases, err := selected(o); err == nil && len(cases) > 0 {
		st, err := start(e, s)
		if err != nil {
			return nil, err
		}
		st.target.slowBounds = bounds{sent: 16 << 20, kept: 8 << 20}
		report, err := Run(ctx, st.target, o)
		_ = st.stop()
		if err != nil {
			return nil, fmt.Errorf("a server that %s: %w", b.fault, err)
		}
		results = report.Results
	}
	for _, c := range EntryCases() {
		if red.MatchString(c.Name) {
			results = append(results, c.run(ctx, e, o))
		}
	}
	return results, nil
}

// TestEveryCaseCanFail holds the table of faults to be complete.
func TestEveryCaseCanFail(t *testing.T) {
	var names []string
	for _, c := range Cases() {
		names = append(names, c.Name)
	}
	for _, c := range EntryCases() {
		names = append(names, c.Name)
	}
	var red []string
	for _, b := range breakages {
		red = append(red, b.red)
	}
	any := regexp.MustCompile(strings.Join(red, "|"))
	for _, name := range names {
		if !any.MatchString(name) {
			t.Errorf("no fault turns %s red", name)
		}
	}
}

// lostAndFound holds what a leaking reference has lost, so that it stays lost
// for as long as the case looks and no longer.
type lostAndFound struct {
	mu      sync.Mutex
	closers []func()
}

var lost lostAndFound

func (l *lostAndFound) add(release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closers = append(l.closers, release)
}

func (l *lostAndFound) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, release := range l.closers {
		release()
	}
	l.closers = nil
}

var _ engine.Engine = (*reference)(nil)
