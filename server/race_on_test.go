//go:build race

package main

// raceEnabled says that frames and allocations are larger than they are.
const raceEnabled = true
