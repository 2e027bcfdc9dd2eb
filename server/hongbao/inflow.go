package hongbao

import "time"

const (
	// lull is for how long nobody shakes until nothing enters any more.
	lull = 5 * time.Second
	// batch is how much enters with one shake at most; what is over enters with the
	// next ones.
	batch = 64
)

// An inflow says how many of something have entered by now, at a rate that is kept
// while there are shakes. It has no clock and no timer of its own.
type inflow struct {
	rate    float64 // per second
	running bool
	since   time.Duration // when the first of these shakes was
	last    time.Duration // when the latest was
	entered uint64        // since then
}

// shaken tells of a shake and returns how many enter with it.
func (f *inflow) shaken(now time.Duration) int {
	if !f.running || now-f.last > lull {
		f.running, f.since, f.entered = true, now, 0
	}
	f.last = max(f.last, now)
	due := uint64(f.rate * max(0, now-f.since).Seconds())
	if due <= f.entered {
		return 0
	}
	n := min(due-f.entered, batch)
	f.entered += n
	return int(n)
}
