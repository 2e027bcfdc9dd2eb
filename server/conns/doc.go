// Package conns keeps the connections of one Serve of a goroutine-per-connection
// engine from accept to the end of their last goroutine: it accepts with
// patience, counts, limits, holds handshakes to their time, and drains.
//
// It knows neither HTTP nor frames: an engine tells it when a handshake has
// ended and how, and lends it an [Owner] to say goodbye through.
package conns
