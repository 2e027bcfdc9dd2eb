package outbox

import "sync"

// blockBytes is how much one block holds: with its header it fills one size
// class of the allocator, a page.
const blockBytes = 4096 - 16

// gatherBlocks bounds how many blocks one writev(2) takes.
const gatherBlocks = 16

// A block is a piece of a queue. Bytes [from, to) wait. One goroutine may read
// them while another appends behind to, since neither is moved.
type block struct {
	next     *block
	from, to uint16
	data     [blockBytes]byte
}

var blocks = sync.Pool{New: func() any { return new(block) }}

func getBlock() *block {
	b := blocks.Get().(*block)
	b.next, b.from, b.to = nil, 0, 0
	return b
}

// A queue holds the bytes that wait for one peer. Its owner locks.
type queue struct {
	head, tail *block
	size       int           // bytes that wait
	done       chan struct{} // closed when the queue is given up, empty or not
	iov        [gatherBlocks][]byte
}

// add copies p to the end.
func (q *queue) add(p []byte) {
	q.size += len(p)
	for len(p) > 0 {
		if q.tail == nil {
			q.tail = getBlock()
			q.head = q.tail
		} else if q.tail.to == blockBytes {
			q.tail.next = getBlock()
			q.tail = q.tail.next
		}
		n := copy(q.tail.data[q.tail.to:], p)
		q.tail.to += uint16(n)
		p = p[n:]
	}
}

// gather returns the waiting bytes from the front, as much as one writev takes.
// They stay valid and unchanged until drop.
func (q *queue) gather() [][]byte {
	iov := q.iov[:0]
	for b := q.head; b != nil && len(iov) < gatherBlocks; b = b.next {
		iov = append(iov, b.data[b.from:b.to])
	}
	return iov
}

// drop removes n bytes from the front and gives drained blocks back.
func (q *queue) drop(n int) {
	q.size -= n
	for n > 0 {
		b := q.head
		k := min(n, int(b.to-b.from))
		n -= k
		if b.from += uint16(k); b.from < b.to {
			return
		}
		if q.head = b.next; q.head == nil {
			q.tail = nil
		}
		blocks.Put(b)
	}
}
