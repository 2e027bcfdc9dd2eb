package publish

import "signalbench/loadgen/internal/wire"

// asked is a message whose answer is missing.
type asked struct {
	conn wire.Conn
	seq  uint32
}

// A queue is what was asked on one line, in order, as a circular buffer that grows.
type queue struct {
	all  []asked // its length is zero or a power of two
	head uint
	n    int
}

func (q *queue) len() int { return q.n }

func (q *queue) push(a asked) {
	if q.n == len(q.all) {
		grown := make([]asked, max(16, 2*q.n))
		for i := range q.n {
			grown[i] = q.all[(q.head+uint(i))&uint(len(q.all)-1)]
		}
		q.all, q.head = grown, 0
	}
	q.all[(q.head+uint(q.n))&uint(len(q.all)-1)] = a
	q.n++
}

func (q *queue) pop() asked {
	a := q.all[q.head&uint(len(q.all)-1)]
	q.head++
	q.n--
	return a
}
