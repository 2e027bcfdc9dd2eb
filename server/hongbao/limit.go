package hongbao

import (
	"sync/atomic"
	"time"
)

// A limit is how many of something there may be in one second of its clock.
type limit struct {
	perSecond uint64        // 0: no limit
	state     atomic.Uint64 // the second in the upper half, how many there were in the lower
}

// allow counts one and reports whether it is within the limit.
func (l *limit) allow(now time.Duration) bool {
	if l.perSecond == 0 {
		return true
	}
	second := uint64(now/time.Second) << 32
	for {
		old := l.state.Load()
		// Two threads may have read the clock in the other order.
		next := max(old, second) + 1
		if next&(1<<32-1) > l.perSecond {
			return false
		}
		if l.state.CompareAndSwap(old, next) {
			return true
		}
	}
}
