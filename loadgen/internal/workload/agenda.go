package workload

import (
	"slices"
	"time"

	"signalbench/loadgen/internal/wire"
)

// planned is the end of a connection's life, or a dial.
type planned struct {
	at   time.Duration
	conn wire.Conn
	dial bool
}

func (p planned) when() time.Duration { return p.at }

// agenda is a binary heap of what is planned, the earliest first.
type agenda[P interface{ when() time.Duration }] []P

func (a *agenda[P]) add(p P) {
	h := append(*a, p)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up].when() <= h[i].when() {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	*a = h
}

func (a *agenda[P]) pop() P {
	h := *a
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	*a = h[:last]
	a.sink(0)
	return top
}

func (a agenda[P]) sink(i int) {
	for {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(a) && a[down].when() < a[least].when() {
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

// drop forgets what is planned and not wanted. It is for connections that are lost,
// which is rare, and looks at everything.
func (a *agenda[P]) drop(unwanted func(P) bool) {
	*a = slices.DeleteFunc(*a, unwanted)
	for i := len(*a)/2 - 1; i >= 0; i-- {
		a.sink(i)
	}
}
