//go:build race

package report_test

// raceEnabled says that everything is several times as slow.
const raceEnabled = true
