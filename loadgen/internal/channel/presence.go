package channel

import "signalbench/server/phoenix"

// Metas walks the presences that a message of kind [Presence] tells of: all that are
// there by a presence_state, those that came by a presence_diff.
type Metas struct {
	entries []byte // of the object, from the next member on
	metas   []byte // of the array of one entry, from the next element on
}

// Present returns what m tells of who is there.
func Present(m *phoenix.Message) Metas {
	p := m.Payload
	if string(m.Event) == phoenix.PresenceDiff {
		p, _, _ = phoenix.Member(p, "joins")
	}
	if len(p) == 0 || p[0] != '{' {
		return Metas{}
	}
	return Metas{entries: p[1:]}
}

// Next returns the member "meta" of the next presence as raw JSON, nil if it has
// none.
func (w *Metas) Next() (meta []byte, ok bool) {
	for {
		if p := next(w.metas); len(p) > 0 {
			n := extent(p)
			if w.metas = p[n:]; n == 0 { // the end of the array
				w.metas = nil
			}
			if p[0] == '{' {
				meta, _, _ = phoenix.Member(p[:n], "meta")
				return meta, true
			}
			continue
		}
		p := next(w.entries)
		if len(p) == 0 || p[0] != '"' {
			return nil, false
		}
		p = next(p[extent(p):]) // behind the name and the colon
		n := extent(p)
		w.entries = p[n:]
		w.metas = nil
		if metas, _, _ := phoenix.Member(p[:n], "metas"); len(metas) > 0 && metas[0] == '[' {
			w.metas = metas[1:]
		}
	}
}

// next skips what stands between two values.
func next(p []byte) []byte {
	for len(p) > 0 {
		switch p[0] {
		case ' ', '\t', '\n', '\r', ',', ':':
			p = p[1:]
		default:
			return p
		}
	}
	return nil
}

// extent is how long the value is that p, valid JSON, begins with.
func extent(p []byte) int {
	depth := 0
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '"':
			for i++; i < len(p) && p[i] != '"'; i++ {
				if p[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return i // of what a number or a word stands in
			}
			depth--
		case ' ', '\t', '\n', '\r', ',', ':':
			if depth == 0 {
				return i
			}
			continue
		default:
			if depth > 0 || i+1 < len(p) && !ends(p[i+1]) {
				continue
			}
		}
		if depth == 0 {
			return min(i+1, len(p))
		}
	}
	return len(p)
}

// ends reports whether c ends a number or a word.
func ends(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', ',', ':', '}', ']':
		return true
	}
	return false
}
