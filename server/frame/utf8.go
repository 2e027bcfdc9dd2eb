package frame

import "unicode/utf8"

// validPrefix reports whether p may be the start of valid UTF-8, and how many of
// its bytes are whole characters that need not be looked at again: all but an
// unfinished character at the end, so n >= len(p)-3. A character that no further
// byte can make valid (an overlong form, a surrogate, above U+10FFFF) is refused
// as soon as its bytes show it.
func validPrefix(p []byte) (n int, ok bool) {
	n = len(p)
	for i := n - 1; i >= 0 && i >= n-(utf8.UTFMax-1); i-- {
		if utf8.RuneStart(p[i]) {
			// FullRune is false only for a proper prefix of a valid character.
			if !utf8.FullRune(p[i:]) {
				n = i
			}
			break
		}
	}
	return n, utf8.Valid(p[:n])
}
