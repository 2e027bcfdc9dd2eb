package gate

import (
	"net/netip"

	"signalbench/server/engine"
)

// An Admission is what a connection was let in with. User, MayJoin and Allow may be
// called from any goroutine and on nil, which allows everything; Open and Closed
// once each, in this order.
type Admission struct {
	gate    *Gate
	user    string
	rooms   []string
	key     netip.Addr
	address *address // from Open to Closed, if anything is asked of addresses
}

// User is whom the token was made for, empty without one.
func (a *Admission) User() string {
	if a == nil {
		return ""
	}
	return a.user
}

// MayJoin reports whether the token allows a topic: one that names none allows
// all.
func (a *Admission) MayJoin(topic string) bool {
	return a == nil || len(a.rooms) == 0 || matchesAny(a.rooms, topic)
}

// Allow takes one message out of the address's rate and reports whether there was
// room for it.
func (a *Admission) Allow() bool {
	if a == nil || a.address == nil || a.address.messages == nil || a.address.messages.Allow() {
		return true
	}
	a.gate.refused.messages.Add(1)
	return false
}

// Open counts the connection. The error says that others of the same address,
// asked about at the same time, were faster.
func (a *Admission) Open() error {
	if !a.key.IsValid() {
		return nil
	}
	var ok bool
	if a.address, ok = a.gate.table.open(a.key); !ok {
		a.gate.refused.conns.Add(1)
		return &engine.CloseError{Code: engine.CloseTryAgainLater, Reason: tooManyConns}
	}
	return nil
}

// Closed ends what Open began, also where that failed.
func (a *Admission) Closed() {
	if a.address != nil {
		a.gate.table.closed(a.address)
	}
}
