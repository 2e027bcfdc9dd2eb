package yardstick

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Burst is how many connections share one mark: the server writes a byte on
// the last connection of each burst that it has accepted, and the client stays
// at most two bursts ahead. A full accept queue would cost a second of waiting
// for the next SYN. The last burst may be a smaller one.
const Burst = 512

// Accepts is the server half: it accepts conns connections from l and returns
// them.
func Accepts(l, conns int) ([]int, error) {
	fds := make([]int, 0, conns)
	mark := []byte{0}
	for len(fds) < conns {
		fd, err := Accept(l)
		if err != nil {
			closeAll(fds)
			return nil, err
		}
		if fds = append(fds, fd); len(fds)%Burst == 0 || len(fds) == conns {
			if _, err := unix.Write(fd, mark); err != nil {
				closeAll(fds)
				return nil, errors.Join(errors.New("marking a burst"), err)
			}
		}
	}
	return fds, nil
}

// Opens is the client half: it opens conns connections to a port of 127.0.0.1,
// one after the other, and stops the clock when the last has been accepted.
func Opens(port, conns int) (fds []int, took time.Duration, err error) {
	return OpensFrom(port, conns, 0)
}

// OpensFrom is Opens with a source address of its own for each perSource
// connections, from 127.0.0.1 up; 0 leaves the choice to the kernel.
func OpensFrom(port, conns, perSource int) (fds []int, took time.Duration, err error) {
	defer func() {
		if err != nil {
			closeAll(fds)
		}
	}()
	to := &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	fds = make([]int, 0, conns)
	begun := Monotonic()
	for len(fds) < conns {
		var from *unix.SockaddrInet4
		if perSource > 0 {
			k := len(fds) / perSource
			from = &unix.SockaddrInet4{Addr: [4]byte{127, byte(k / (254 * 256)), byte(k / 254), byte(1 + k%254)}}
		}
		fd, err := DialFrom(from, to)
		if err != nil {
			return fds, 0, err
		}
		fds = append(fds, fd)
		if n := len(fds); n%Burst == 0 && n > Burst {
			if err := await(fds[n-Burst-1]); err != nil {
				return fds, 0, err
			}
		}
	}
	// The last full burst, and what there is behind it.
	if n := conns / Burst * Burst; n > 0 && n < conns {
		if err := await(fds[n-1]); err != nil {
			return fds, 0, err
		}
	}
	if err := await(fds[conns-1]); err != nil {
		return fds, 0, err
	}
	return fds, Monotonic() - begun, nil
}

// await takes the mark that comes on the last connection of a burst.
func await(fd int) error {
	mark := make([]byte, 1)
	for {
		n, err := unix.Read(fd, mark)
		if err == unix.EINTR {
			continue
		}
		if n != 1 {
			return errors.Join(errors.New("the server half has gone"), err)
		}
		return nil
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
