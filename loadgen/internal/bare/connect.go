package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// burst is how many connections share one mark: the server writes a byte on
// the last connection of each burst that it has accepted, and the client stays
// at most two bursts ahead. A full accept queue would cost a second of waiting
// for the next SYN.
const burst = 512

type connectPlan struct {
	Conns int `default:"10240" help:"Connections, a multiple of 512."`
}

func (c connectPlan) Validate() error {
	if c.Conns < burst || c.Conns%burst != 0 {
		return fmt.Errorf("connections must be a multiple of %d", burst)
	}
	return nil
}

// serveConnect accepts and keeps what it has accepted until it is killed.
func serveConnect(l int, plan connectPlan) error {
	mark := []byte{0}
	for i := 1; i <= plan.Conns; i++ {
		fd, err := accept(l)
		if err != nil {
			return err
		}
		if i%burst == 0 {
			if _, err := unix.Write(fd, mark); err != nil {
				return fmt.Errorf("marking a burst: %w", err)
			}
		}
	}
	for {
		unix.Pause()
	}
}

// connect opens the connections one after the other and stops the clock when
// the last has been accepted.
func connect(port int, plan connectPlan) (result, error) {
	to := &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	fds := make([]int, plan.Conns)
	mark := make([]byte, 1)
	await := func(i int) error {
		for {
			n, err := unix.Read(fds[i], mark)
			if err == unix.EINTR {
				continue
			}
			if n != 1 {
				return errors.Join(errors.New("the server half has gone"), err)
			}
			return nil
		}
	}
	begun := monotonic()
	for i := range fds {
		fd, err := dial(to)
		if err != nil {
			return result{}, err
		}
		fds[i] = fd
		if done := i + 1; done%burst == 0 && done > burst {
			if err := await(i - burst); err != nil {
				return result{}, err
			}
		}
	}
	if err := await(len(fds) - 1); err != nil {
		return result{}, err
	}
	return newResult(uint64(plan.Conns), monotonic()-begun), nil
}
