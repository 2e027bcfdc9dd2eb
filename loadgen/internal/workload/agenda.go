package workload

import (
	"time"

	"signalbench/loadgen/internal/wire"
)

// planned is the end of a connection's life, or a dial.
type planned struct {
	at   time.Duration
	conn wire.Conn
	dial bool
}

// agenda is a binary heap of what is planned, the earliest first.
type agenda []planned

func (a *agenda) add(p planned) {
	h := append(*a, p)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up].at <= h[i].at {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	*a = h
}

func (a *agenda) pop() planned {
	h := *a
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	*a = h[:last]
	a.sink(0)
	return top
}

func (a agenda) sink(i int) {
	for {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(a) && a[down].at < a[least].at {
				least = down
			}
		}
		if least == i {
			return
		}
		a[i], a[least] = a[least], a[i]
		i = least
	}
}

// drop forgets what is planned for c. It is for connections that are lost, which
// is rare, and looks at everything.
func (a *agenda) drop(c wire.Conn) {
	kept := (*a)[:0]
	for _, p := range *a {
		if p.conn != c {
			kept = append(kept, p)
		}
	}
	*a = kept
	for i := len(kept)/2 - 1; i >= 0; i-- {
		kept.sink(i)
	}
}
