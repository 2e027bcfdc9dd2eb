//go:build race

package main

// raceEnabled says that everything is several times as slow.
const raceEnabled = true
