package sock

// BacklogLimit is how many bytes may wait for one connection's socket before it
// is full. What is accepted below it is accepted whole.
const BacklogLimit = 64 << 10

// backlogs holds what sockets would not take yet. Only connections that have
// something waiting have one; buffers are used again.
type backlogs struct {
	all  []backlog // number 0 is not used
	free []int32
}

type backlog struct {
	buf  []byte
	done int  // bytes of buf that are sent
	last bool // nothing follows: this side of the connection ends behind it
}

func (b *backlog) waiting() []byte { return b.buf[b.done:] }

func (b *backlogs) take() int32 {
	if n := len(b.free); n > 0 {
		i := b.free[n-1]
		b.free = b.free[:n-1]
		return i
	}
	if len(b.all) == 0 {
		b.all = append(b.all, backlog{})
	}
	b.all = append(b.all, backlog{})
	return int32(len(b.all) - 1)
}

func (b *backlogs) give(i int32) {
	if i == 0 {
		return
	}
	l := &b.all[i]
	l.done, l.last = 0, false
	if l.buf = l.buf[:0]; cap(l.buf) > 4*BacklogLimit {
		l.buf = nil
	}
	b.free = append(b.free, i)
}
