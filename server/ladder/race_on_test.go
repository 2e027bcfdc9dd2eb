//go:build race

package ladder_test

const raceEnabled = true
