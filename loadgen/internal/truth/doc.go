// Package truth holds the load generator to the truth: it runs the real
// command against reference servers whose delays, stalls and faults are known,
// and reads what the run claims. It also measures it against the floor; see
// BenchmarkFloor. It is all tests.
//
// The tests hold the clock to a fraction of a millisecond, so they run one
// after the other, and are best run alone: go test ./loadgen/internal/truth.
// Where the machine itself got in the way the run says so through its lag, and
// is repeated; a run that claims to have been on time is judged.
package truth
