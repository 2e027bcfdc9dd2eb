package workload

import (
	"bytes"
	"strconv"
	"strings"

	"signalbench/server/phoenix"
)

// kind is what a relayed message is.
type kind uint8

const (
	offer kind = iota
	answer
	candidate
	kinds
)

// kindOf is the kind of the message with a number among those that one side sends to
// the other.
func kindOf(back bool, number uint32) kind {
	switch {
	case number > 0:
		return candidate
	case back:
		return answer
	}
	return offer
}

// Sizes of a message's payload with an id of 11 B, as the two ends of a WebRTC call
// with one audio, one video and one data channel send them (JSEP, RFC 9429).
const (
	offerSize     = 1500
	answerSize    = 1200
	candidateSize = 150
)

// relayTexts is the payloads of relayed messages: who it is for, a stamp, and a text
// that is known in advance but for a number.
type relayTexts [kinds]struct {
	event  string
	member string // that holds the text
	before []byte // JSON: the text up to the number
	after  []byte
	rest   string // of the object
}

// kind is that of an event, kinds if it is none of them.
func (t *relayTexts) kind(event []byte) kind {
	for k := range kinds {
		if string(event) == t[k].event {
			return k
		}
	}
	return kinds
}

// perNumber is how many digits the number in a text has.
const perNumber = 10

func newRelayTexts() *relayTexts {
	t := new(relayTexts)
	for k, size := range map[kind]int{offer: offerSize, answer: answerSize, candidate: candidateSize} {
		x := &t[k]
		switch k {
		case candidate:
			x.event, x.member, x.rest = "candidate", "candidate", `,"sdpMid":"0"}`
			x.before, x.after = []byte(`"candidate:`), []byte(` 1 udp 2122260223 192.0.2.7 46154"`)
		default:
			x.event = [...]string{offer: "offer", answer: "answer"}[k]
			x.member, x.rest = "sdp", `,"type":"`+x.event+`"}`
			x.before = []byte(`"v=0\r\no=- `)
			x.after = []byte(` 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n"`)
		}
		fill := size - len(t.append(nil, k, []byte("12345678901"), []byte(strings.Repeat("0", 32)), 0))
		x.after = x.after[:len(x.after)-1]
		for _, line := range sdpLines {
			if k == candidate || fill < len(line)+len(sdpLines[0]) {
				break
			}
			x.after, fill = append(x.after, line...), fill-len(line)
		}
		x.after = append(append(x.after, strings.Repeat("0", max(0, fill))...), '"')
	}
	return t
}

// sdpLines is what descriptions are filled with, as JSON.
var sdpLines = func() (list []string) {
	for _, line := range []string{
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0", "a=ice-ufrag:4ZcD",
		"a=ice-pwd:2/1muCWoOi3uLifh0NuRHlgR", "a=ice-options:trickle",
		"a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08",
		"a=setup:actpass", "a=mid:0", "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", "a=sendrecv", "a=rtcp-mux",
		"a=rtpmap:111 opus/48000/2", "a=rtcp-fb:111 transport-cc", "a=fmtp:111 minptime=10;useinbandfec=1", "a=rtpmap:9 G722/8000",
		"a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102", "c=IN IP4 0.0.0.0", "a=mid:1", "a=sendrecv",
		"a=rtcp-mux", "a=rtcp-rsize", "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 goog-remb", "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 ccm fir",
		"a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96",
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:2", "a=sctp-port:5000", "a=max-message-size:262144",
	} {
		list = append(list, line+`\r\n`)
	}
	return list
}()

// append appends the payload of a message to the peer with the id to. number is
// that in its text.
func (t *relayTexts) append(dst []byte, k kind, to, stamp []byte, number uint32) []byte {
	x := &t[k]
	dst = append(dst, `{"to":`...)
	dst = phoenix.AppendString(dst, to)
	dst = append(dst, `,"stamp":`...)
	dst = phoenix.AppendString(dst, stamp)
	dst = append(append(append(dst, `,"`...), x.member...), `":`...)
	dst = append(dst, x.before...)
	dst = appendNumber(dst, number)
	dst = append(dst, x.after...)
	return append(dst, x.rest...)
}

func appendNumber(dst []byte, number uint32) []byte {
	var digits [perNumber]byte
	for i := range digits {
		digits[len(digits)-1-i] = byte('0' + number%10)
		number /= 10
	}
	return append(dst, digits[:]...)
}

// intact reports whether the text of a payload, of an object of kind k, is as it was
// sent. It may have been written anew: what counts is the text and not its escapes.
func (t *relayTexts) intact(k kind, payload []byte, number uint32) bool {
	x := &t[k]
	raw, _, err := phoenix.Member(payload, x.member)
	if err != nil {
		return false
	}
	if len(raw) == len(x.before)+perNumber+len(x.after) && bytes.HasPrefix(raw, x.before) && bytes.HasSuffix(raw, x.after) {
		got, err := strconv.ParseUint(string(raw[len(x.before):len(x.before)+perNumber]), 10, 32)
		return err == nil && uint32(got) == number
	}
	got, ok := phoenix.AppendUnquoted(nil, raw)
	want, _ := phoenix.AppendUnquoted(nil, append(appendNumber(bytes.Clone(x.before), number), x.after...))
	return ok && bytes.Equal(got, want)
}
