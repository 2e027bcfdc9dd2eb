package netpoll

import "errors"

var (
	errHandshake = errors.New("opening handshake took too long")
	errGoodbye   = errors.New("closing handshake took too long")
)
