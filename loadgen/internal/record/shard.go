package record

// A Shard is one lane's part of a phase. Set belongs to the lane's thread, the
// other set to whoever called Swap last, until he calls it again.
type Shard struct {
	*Set
	spare *Set
}

// NewShard returns a shard that times the given metrics.
func NewShard(timed ...Metric) *Shard {
	return &Shard{NewSet(timed...), NewSet(timed...)}
}

// Swap puts the set that the last Swap returned in use again, which its owner
// must have reset, and returns the one that was in use until now. Call it on the
// lane's thread.
func (s *Shard) Swap() *Set {
	s.Set, s.spare = s.spare, s.Set
	return s.spare
}
