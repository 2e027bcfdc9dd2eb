package gate

// A list is doubly linked through its addresses, so that each can leave from
// anywhere. The zero value is empty.
type list struct {
	first, last *address
	size        int
}

// push adds a, which is in no list, at the end.
func (l *list) push(a *address) {
	a.prev = l.last
	if l.last != nil {
		l.last.next = a
	} else {
		l.first = a
	}
	l.last = a
	l.size++
}

// remove takes a out, which is in l.
func (l *list) remove(a *address) {
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		l.first = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	} else {
		l.last = a.prev
	}
	a.prev, a.next = nil, nil
	l.size--
}
