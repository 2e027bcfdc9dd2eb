package hongbao

// A Sum is how many of something there were, and the money in them.
type Sum struct {
	Count uint64 `json:"count"`
	Cents uint64 `json:"cents"`
}

func (s *Sum) add(cents uint32) {
	s.Count++
	s.Cents += uint64(cents)
}

func (s *Sum) take(cents uint32) {
	s.Count--
	s.Cents -= uint64(cents)
}

func (s *Sum) join(o Sum) {
	s.Count += o.Count
	s.Cents += o.Cents
}

// Stats are what a [Handler] has done so far and holds now. To the cent, Entered is
// Shaken, Grabbed, Returned and Waiting.
type Stats struct {
	Users    int64  `json:"users"`    // logged in
	None     uint64 `json:"none"`     // shakes that found no envelope
	Overload uint64 `json:"overload"` // shakes beyond the limit
	Gifts    uint64 `json:"gifts"`    // that entered
	Told     uint64 `json:"told"`     // notices of gifts that were sent
	Late     uint64 `json:"late"`     // grabs that got nothing
	Unwanted uint64 `json:"unwanted"` // envelopes and gifts that did not enter: too many waited, or nobody was there

	Entered  Sum `json:"entered"`  // envelopes and gifts
	Shaken   Sum `json:"shaken"`   // envelopes that shakes found
	Grabbed  Sum `json:"grabbed"`  // shares of gifts
	Returned Sum `json:"returned"` // what was left of gifts when there were too many newer ones
	Waiting  Sum `json:"waiting"`  // envelopes, and what is left of gifts
}

// Add adds those of another process.
func (s *Stats) Add(o Stats) {
	s.Users += o.Users
	s.None += o.None
	s.Overload += o.Overload
	s.Gifts += o.Gifts
	s.Told += o.Told
	s.Late += o.Late
	s.Unwanted += o.Unwanted
	s.Entered.join(o.Entered)
	s.Shaken.join(o.Shaken)
	s.Grabbed.join(o.Grabbed)
	s.Returned.join(o.Returned)
	s.Waiting.join(o.Waiting)
}
