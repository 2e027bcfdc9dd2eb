package lane

import "signalbench/loadgen/internal/frame"

// partial is what a connection has received of a frame or a message that is not
// whole yet.
type partial struct {
	buf     []byte // bytes from the start of a frame
	message []byte // fragments joined so far
	op      frame.Opcode
	joining bool // a first fragment has come
}

func (p *partial) empty() bool { return len(p.buf) == 0 && !p.joining }

// partials is a pool; number 0 is not used.
type partials struct {
	all  []*partial
	free []int32
}

// keep is the largest buffer that goes back to the pool.
const keep = 1 << 20

func (p *partials) take() int32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		return i
	}
	if len(p.all) == 0 {
		p.all = append(p.all, nil)
	}
	p.all = append(p.all, new(partial))
	return int32(len(p.all) - 1)
}

func (p *partials) give(i int32) {
	h := p.all[i]
	h.joining = false
	if h.buf = h.buf[:0]; cap(h.buf) > keep {
		h.buf = nil
	}
	if h.message = h.message[:0]; cap(h.message) > keep {
		h.message = nil
	}
	p.free = append(p.free, i)
}
