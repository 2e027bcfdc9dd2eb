// Package namemap is a map of names that gives memory back: Go's own keeps for ever
// the room that it once needed, some 50 B for each entry that is gone.
//
// It knows nothing of what the names are for.
package namemap
