package phoenix

import (
	"unicode/utf16"
	"unicode/utf8"
)

// AppendString appends s as a JSON string with its quotes. Bytes that are not
// UTF-8 become U+FFFD each.
func AppendString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(s) > 0 {
		n := plain(s)
		dst = appendValid(dst, s[:n])
		if n == len(s) {
			break
		}
		switch c := s[n]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		s = s[n+1:]
	}
	return append(dst, '"')
}

func appendValid(dst, s []byte) []byte {
	if utf8.Valid(s) {
		return append(dst, s...)
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		dst = utf8.AppendRune(dst, r)
		s = s[n:]
	}
	return dst
}

// AppendUnquoted appends the text of a JSON string, raw with its quotes and
// valid, to dst. It reports false, and appends nothing, if raw is something else.
func AppendUnquoted(dst, raw []byte) ([]byte, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return dst, false
	}
	return appendUnescaped(dst, raw[1:len(raw)-1]), true
}

// appendUnescaped appends the text of what stands between two quotes and was
// found valid. A surrogate without its other half becomes U+FFFD.
func appendUnescaped(dst, raw []byte) []byte {
	for {
		n := plain(raw)
		dst = append(dst, raw[:n]...)
		if n+1 >= len(raw) {
			return dst
		}
		c := raw[n+1]
		raw = raw[n+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, size := unicodeEscape(raw)
			dst = utf8.AppendRune(dst, r)
			raw = raw[size:]
		default:
			dst = append(dst, c)
		}
	}
}

// unicodeEscape reads the four digits behind a \u, and a second escape if the two
// are a pair. It returns the bytes read.
func unicodeEscape(raw []byte) (rune, int) {
	r, _ := hex4(raw)
	if !utf16.IsSurrogate(r) {
		return r, min(4, len(raw))
	}
	if len(raw) >= 10 && raw[4] == '\\' && raw[5] == 'u' {
		if low, ok := hex4(raw[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 10
			}
		}
	}
	return utf8.RuneError, 4
}

// hex4 reads four hexadecimal digits.
func hex4(p []byte) (rune, bool) {
	if len(p) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range p[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// same reports whether what stands between two quotes is the text want.
func same(raw []byte, escaped bool, want string) bool {
	if !escaped {
		return string(raw) == want
	}
	if len(raw) > 6*len(want) { // the longest escape of a byte
		return false
	}
	var room [64]byte
	return string(appendUnescaped(room[:0], raw)) == want
}
