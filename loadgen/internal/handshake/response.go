package handshake

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// MaxHead is the longest response head in octets, blank line included.
const MaxHead = 8 << 10

// Why a response is no upgrade. A [*StatusError] is a proper answer with
// another status.
var (
	ErrMalformed = errors.New("malformed handshake response")
	ErrAccept    = errors.New("Sec-WebSocket-Accept does not answer the key")
)

// A StatusError is a response that is proper HTTP and not a 101.
type StatusError struct{ Code int }

func (e *StatusError) Error() string { return "HTTP status " + strconv.Itoa(e.Code) }

// End returns the length of the response head in p, blank line included, or 0
// if p does not hold all of it yet. seen is how much of p an earlier call has
// looked at, so that a response that comes an octet at a time costs no more
// than one that comes whole. What cannot become an HTTP/1.1 response any more
// is [ErrMalformed] at once.
func End(p []byte, seen int) (int, error) {
	const start = "HTTP/1.1 "
	if n := min(len(p), len(start)); string(p[:n]) != start[:n] {
		return 0, fmt.Errorf("%w: it begins with %q, not %q", ErrMalformed, p[:min(len(p), 16)], start)
	}
	from := max(0, seen-3)
	if i := bytes.Index(p[from:], []byte("\r\n\r\n")); i >= 0 && from+i+4 <= MaxHead {
		return from + i + 4, nil
	}
	if len(p) >= MaxHead {
		return 0, fmt.Errorf("%w: its head is longer than %d B", ErrMalformed, MaxHead)
	}
	return 0, nil
}

// Check judges a whole response head, blank line included, against the
// expected accept value (RFC 6455 section 4.1, the six numbered rules). Nil
// means that the connection is open. It allocates only for an error.
func Check(head []byte, accept *Accept) error {
	status, rest, err := statusLine(head)
	if err != nil {
		return err
	}
	if status != 101 {
		return &StatusError{status}
	}
	var upgrade, connection, accepted bool
	for {
		line, tail, ok := bytes.Cut(rest, crlf)
		if !ok {
			return malformed("a line has no end", rest)
		}
		if rest = tail; len(line) == 0 {
			break
		}
		name, value, ok := field(line)
		if !ok {
			return malformed("header field", line)
		}
		switch {
		case is(name, "upgrade"):
			if !is(value, "websocket") {
				return malformed("Upgrade is not websocket", value)
			}
			upgrade = true
		case is(name, "connection"):
			connection = connection || hasToken(value, "upgrade")
		case is(name, "sec-websocket-accept"):
			if accepted || string(value) != string(accept[:]) {
				return ErrAccept
			}
			accepted = true
		case is(name, "sec-websocket-extensions"), is(name, "sec-websocket-protocol"):
			if len(value) > 0 {
				return malformed("the server chose what was not offered", line)
			}
		}
	}
	switch {
	case !upgrade:
		return malformed("no Upgrade field", nil)
	case !connection:
		return malformed("no Connection field that says Upgrade", nil)
	case !accepted:
		return fmt.Errorf("%w: the field is absent", ErrAccept)
	}
	return nil
}

var crlf = []byte("\r\n")

func malformed(what string, where []byte) error {
	if len(where) == 0 {
		return fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	return fmt.Errorf("%w: %s: %.80q", ErrMalformed, what, where)
}

// statusLine reads "HTTP/1.1 101 reason" (RFC 9112 section 4).
func statusLine(head []byte) (status int, rest []byte, err error) {
	line, rest, ok := bytes.Cut(head, crlf)
	const start = "HTTP/1.1 "
	if !ok || len(line) < len(start)+3 || string(line[:len(start)]) != start {
		return 0, nil, malformed("status line", line)
	}
	for _, c := range line[len(start) : len(start)+3] {
		if c < '0' || c > '9' {
			return 0, nil, malformed("status line", line)
		}
		status = status*10 + int(c-'0')
	}
	if after := line[len(start)+3:]; status < 100 || len(after) > 0 && after[0] != ' ' || !printable(after) {
		return 0, nil, malformed("status line", line)
	}
	return status, rest, nil
}

// field splits a header line into name and trimmed value (RFC 9112 section 5).
// A line that begins with white space (obsolete folding) is refused.
func field(line []byte) (name, value []byte, ok bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return nil, nil, false
	}
	for _, c := range line[:i] {
		if !tokenChar[c] {
			return nil, nil, false
		}
	}
	value = bytes.Trim(line[i+1:], " \t")
	return line[:i], value, printable(value)
}

// printable reports whether p may be a reason phrase or the value of a field: it has
// no control characters but tabs (RFC 9112 section 4, RFC 9110 section 5.5).
func printable(p []byte) bool {
	for _, c := range p {
		if c < ' ' && c != '\t' || c == 0x7F {
			return false
		}
	}
	return true
}

// is compares without regard to the case of ASCII letters; lower is in lower
// case.
func is(p []byte, lower string) bool {
	if len(p) != len(lower) {
		return false
	}
	for i, c := range p {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func hasToken(list []byte, lower string) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, []byte(","))
		if is(bytes.Trim(item, " \t"), lower) {
			return true
		}
	}
	return false
}

// tokenChar is the alphabet of a field name (RFC 9110 section 5.6.2).
var tokenChar = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()
