package outbox

import (
	"sync"
	"syscall"
)

// An attempt is one write(2) that may take nothing. It is what a RawConn calls
// with the descriptor held open. Attempts are pooled with that function bound:
// a closure for each write would be an allocation for each message.
type attempt struct {
	p   []byte
	n   int
	err error
	run func(fd uintptr) (done bool)
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.run = a.write
	return a
}}

func (a *attempt) write(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), a.p)
		switch err {
		case nil:
			a.n = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			a.err = err
		}
		return true // never wait in here
	}
}

// tryWrite writes what the kernel takes of p now and returns how much that is.
func tryWrite(raw syscall.RawConn, p []byte) (int, error) {
	a := attempts.Get().(*attempt)
	a.p = p
	err := raw.Write(a.run)
	if err == nil {
		err = a.err
	}
	n := a.n
	a.p, a.n, a.err = nil, 0, nil
	attempts.Put(a)
	return n, err
}
