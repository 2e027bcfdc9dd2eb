package upgrade

import (
	"bytes"
	"net/http"

	"golang.org/x/net/http/httpguts"
)

// single lists, in lower case, the fields that a request has once: a second one
// could be read as another answer to the same question. Host is of RFC 9112
// section 3.2, Origin of RFC 6454 section 7.3, the others of RFC 6455 section
// 11.3.
var single = [...]string{"host", "origin", "sec-websocket-key", "sec-websocket-version"}

// key is the place of Sec-WebSocket-Key in single.
const key = 2

// checkHead holds a request head that the Upgrader has taken against what it does
// not look at: the form of the version and of every field (RFC 9112 sections 2.3
// and 5), fields that come twice and may not, a body, which would be taken for
// frames, and the key, of which the Upgrader looks at the last one's length. The
// error, if any, is a [*BadRequest].
func checkHead(head []byte) error {
	bad := func(reason string) error { return &BadRequest{Status: http.StatusBadRequest, Reason: reason} }
	n, _ := line(head)
	_, rest, _ := bytes.Cut(text(head[:n]), []byte(" "))
	_, version, _ := bytes.Cut(rest, []byte(" "))
	if _, _, ok := http.ParseHTTPVersion(string(version)); !ok {
		return bad("malformed HTTP version")
	}
	var seen [len(single)]bool
	for {
		head = head[n:]
		var blank bool
		if n, blank = line(head); n == 0 || blank {
			return nil
		}
		field := text(head[:n])
		colon := bytes.IndexByte(field, ':')
		if colon < 1 || !all(field[:colon], &inName) || !all(field[colon+1:], &inValue) {
			return bad("malformed header field")
		}
		name, value := field[:colon], bytes.Trim(field[colon+1:], " \t")
		for i, s := range single {
			if !is(name, s) {
				continue
			}
			if seen[i] {
				return bad("a header field comes twice that must not")
			}
			seen[i] = true
			if i == key && !ValidKey(value) {
				return bad("Sec-WebSocket-Key is not 16 bytes in base64")
			}
		}
		if is(name, "transfer-encoding") || is(name, "content-length") && string(value) != "0" {
			return bad("a handshake has no body")
		}
	}
}

// text returns a line without its end.
func text(line []byte) []byte { return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")) }

// is reports whether name is the field name, in any case.
func is(name []byte, field string) bool {
	return len(name) == len(field) && bytes.EqualFold(name, []byte(field))
}

// all reports whether every byte of p is in the set.
func all(p []byte, set *[256]bool) bool {
	for _, b := range p {
		if !set[b] {
			return false
		}
	}
	return true
}

// What a field's name and value are made of: the characters of a token (RFC 9110
// section 5.6.2), and all but control characters (section 5.5).
var inName, inValue = func() (name, value [256]bool) {
	for b := range name {
		name[b] = httpguts.IsTokenRune(rune(b))
		value[b] = httpguts.ValidHeaderFieldValue(string([]byte{byte(b)})) && b != '\r' && b != '\n'
	}
	return name, value
}()
