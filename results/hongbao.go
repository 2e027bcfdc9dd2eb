package results

// Hongbao is what a phase of workload hongbao did. An operation is one shake: a user
// asks for a red envelope, at a time that is set in advance. It is completed when it
// is answered, however that comes out. Money is in cents.
type Hongbao struct {
	None     uint64 `json:"none"`     // shakes that found no envelope
	Got      uint64 `json:"got"`      // shakes that found one
	Overload uint64 `json:"overload"` // shakes that were more than the server takes

	// Grabs are the answers to notices of gifts: each is due when the notice comes.
	Grabs Ops `json:"grabs"`
	// Shaken is the money in the envelopes that shakes found, Grabbed that in the
	// shares of gifts.
	Shaken  uint64 `json:"shaken_cents"`
	Grabbed uint64 `json:"grabbed_cents"`

	// Books are those of the whole load, its warm-up and drain included; nil but in
	// its window.
	Books *HongbaoBooks `json:"books,omitempty"`
}

// HongbaoBooks is the money that moved in a load, in cents, as clients and server tell
// it.
type HongbaoBooks struct {
	Envelopes uint64 `json:"envelopes"` // that shakes found
	Gifts     uint64 `json:"gifts"`     // that clients were told of
	// Sent is the money in these as clients were told, each counted once; Received is
	// what clients got.
	Sent     uint64 `json:"sent_cents"`
	Received uint64 `json:"received_cents"`
	// Open is what was sent in gifts of which some share was not answered by the end
	// of the drain, without the shares that were.
	Open uint64 `json:"open_cents"`
	// Lost is what gifts held that all users have grabbed, and nobody got; Excess is
	// what was given twice, or beyond what a gift held.
	Lost   uint64 `json:"lost_cents"`
	Excess uint64 `json:"excess_cents"`
	// Untracked is how many envelopes and gifts were too many to be told from those
	// that came before.
	Untracked uint64 `json:"untracked,omitempty"`
	// Server is what the admin listener counted meanwhile; nil if it does not tell.
	Server *HongbaoMoney `json:"server,omitempty"`
}

// HongbaoMoney is money by where it is, in cents.
type HongbaoMoney struct {
	Entered  uint64 `json:"entered_cents"`
	Given    uint64 `json:"given_cents"`    // to clients
	Returned uint64 `json:"returned_cents"` // taken back: a gift that was not grabbed whole
	// Before and After is what waited when the load began, and at its end.
	Before uint64 `json:"waiting_before_cents"`
	After  uint64 `json:"waiting_after_cents"`
}

// MetricGrab is the time from the notice of a gift to the answer to the grab.
const MetricGrab = "grab"
