package upgrade

import "bytes"

// MaxRequest is the largest opening handshake in bytes, blank line included. A
// longer one is answered 431.
const MaxRequest = 8 << 10

// End returns the length of the handshake request at the start of p including
// its blank line, or 0 if p does not hold all of it. As RFC 9112 section 2.2
// allows, a line may end in a bare LF. A request that begins with the blank
// line ends there, and [Do] refuses it.
func End(p []byte) int {
	for at := 0; ; {
		n, blank := line(p[at:])
		if n == 0 {
			return 0
		}
		at += n
		if blank {
			return at
		}
	}
}

// line returns the length of p's first line with its line end, 0 if the end is
// not there, and whether there is nothing but the line end.
func line(p []byte) (n int, blank bool) {
	n = bytes.IndexByte(p, '\n') + 1
	return n, n == 1 || n == 2 && p[0] == '\r'
}
