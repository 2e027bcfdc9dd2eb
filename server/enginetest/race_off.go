//go:build !race

package enginetest

// raceEnabled says that everything takes several times as long.
const raceEnabled = false
