package workload

import (
	"sync/atomic"
	"time"
)

// A Brake holds a teardown back: everything that is not done yet becomes due
// later. The zero Brake and nil do not. It is safe for concurrent use.
type Brake struct{ held atomic.Int64 }

// Hold moves what is not done yet by d.
func (b *Brake) Hold(d time.Duration) { b.held.Add(int64(d)) }

// Held is by how much everything was moved so far.
func (b *Brake) Held() time.Duration {
	if b == nil {
		return 0
	}
	return time.Duration(b.held.Load())
}
