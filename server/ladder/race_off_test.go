//go:build !race

package ladder_test

const raceEnabled = false
