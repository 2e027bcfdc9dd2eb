package namemap

import "maps"

// smallest is up to how many entries the room does not matter.
const smallest = 256

// A Map is what a map[string]V is. The zero value is empty. It belongs to one
// goroutine at a time.
type Map[V any] struct {
	entries map[string]V
	most    int // entries there have been in this map
}

// Get returns what a name stands for, V's zero value if for nothing. It may be given
// a string made of bytes at no cost.
func (m *Map[V]) Get(name string) V { return m.entries[name] }

// Set makes a name stand for v.
func (m *Map[V]) Set(name string, v V) {
	if m.entries == nil {
		m.entries = make(map[string]V)
	}
	m.entries[name] = v
	m.most = max(m.most, len(m.entries))
}

// Delete makes a name stand for nothing. It now and then copies what is left, where
// that is a quarter of what there was: a third of a copy for each entry gone.
func (m *Map[V]) Delete(name string) {
	delete(m.entries, name)
	if n := len(m.entries); m.most > smallest && n <= m.most/4 {
		entries := make(map[string]V, n)
		maps.Copy(entries, m.entries)
		m.entries, m.most = entries, n
	}
}

// Len is the number of names that stand for something.
func (m *Map[V]) Len() int { return len(m.entries) }
