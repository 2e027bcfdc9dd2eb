package results

// A Reproduction says that a suite repeats what somebody published: it carries the
// published figures, so that a report needs nothing else.
type Reproduction struct {
	Scenario string   `json:"scenario"` // its name
	Title    string   `json:"title"`    // of the publication
	Machine  string   `json:"machine"`  // theirs, as published; empty if it was not told
	Cores    int      `json:"cores"`    // of it; 0 if that was not told
	Software string   `json:"software"`
	Sources  []Source `json:"sources"`
	// Published is how many connections they had, Conns how many there are here.
	Published int `json:"published_conns"`
	Conns     int `json:"conns"`

	Figures []PublishedFigure `json:"figures"`
	Assumed []string          `json:"assumed,omitempty"`
	Caveats []string          `json:"caveats,omitempty"`
}

// Scale is the part of the published connections that there are here.
func (r *Reproduction) Scale() float64 { return float64(r.Conns) / float64(r.Published) }

// A Source is a text in which figures were read.
type Source struct {
	Key   string `json:"key"` // what figures name it by
	Title string `json:"title"`
	Where string `json:"where"`          // an address, or what it is found by
	Date  string `json:"date,omitempty"` // as precise as it is known
}

// A Mark says how a published figure came here.
type Mark string

// The marks. A figure that was not found has no number.
const (
	Primary   Mark = "primary"   // read in the author's text, or in its screenshots
	Secondary Mark = "secondary" // somebody else quotes it
	Code      Mark = "code"      // read in the author's code
	Derived   Mark = "derived"   // by arithmetic from other figures
	NotFound  Mark = "not found" // claimed, or asked for, and no measurement is published
)

// A PublishedFigure is what was published, and what is to be set beside it.
type PublishedFigure struct {
	Name string `json:"name"` // for a reader, for example "memory per connection"
	Text string `json:"text"` // as published, with its unit; what is said instead for NotFound
	// Value is the number in Text, in the unit of the quantity that is set beside it
	// (bytes, nanoseconds, per second). A published 0 is one: there is none to compare
	// with only where Quantity is empty or Mark is NotFound.
	Value  float64 `json:"value,omitempty"`
	Mark   Mark    `json:"mark"`
	Source string  `json:"source"` // Source.Key
	// Quantity names what is measured here and stands beside it, as compare lists
	// quantities; empty if nothing does, and Note then says why.
	Quantity string `json:"quantity,omitempty"`
	// Arm is whose quantity; empty means that of every arm.
	Arm string `json:"arm,omitempty"`
	// Scales says that the figure grows with the number of connections, so that the
	// measured one is to be read with the scale.
	Scales bool `json:"scales,omitempty"`
	// PerCore says that it is worth dividing by the number of processors.
	PerCore bool   `json:"per_core,omitempty"`
	Note    string `json:"note,omitempty"`
}

// A Benchmark is an operation timed by itself, in a loop of one goroutine.
type Benchmark struct {
	Name   string  `json:"name"`
	N      int     `json:"n"` // operations
	Ns     float64 `json:"ns_per_op"`
	Bytes  float64 `json:"bytes_per_op"`  // allocated
	Allocs float64 `json:"allocs_per_op"` //
}
