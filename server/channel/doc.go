// Package channel is a handler for connections that subscribe by their path, as in
// the measurement that goroutines.com/10m published in 2016: whoever opens
// /channel/NAME gets what is published to NAME, and at intervals an empty text
// message, by which both ends know that the other is there. What it sends is
// ignored.
//
// It is made for very many connections that are idle, each perhaps with a channel
// of its own: there is no goroutine, no timer and no buffer for any of them.
//
// The package must not know who may subscribe or where messages come from.
package channel
