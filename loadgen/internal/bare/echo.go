package main

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/yardstick"
)

type echoPlan struct {
	Conns   int           `default:"5000" help:"Connections, one record in flight on each."`
	Payload int           `default:"128" help:"Bytes of a record, at most 65536."`
	WarmUp  time.Duration `default:"500ms" help:"Time before the window."`
	Window  time.Duration `default:"2s" help:"Time that is counted."`
}

func (e echoPlan) Validate() error {
	if e.Conns < 1 || e.Payload < 1 || e.Payload > buffer || e.Window <= 0 {
		return errors.New("needs at least one connection, a payload of 1 to 65536 bytes and a window")
	}
	return nil
}

// serveEcho answers every record until the client has gone.
func serveEcho(l int, plan echoPlan) error {
	p, err := newPoll()
	if err != nil {
		return err
	}
	for range plan.Conns {
		fd, err := yardstick.Accept(l)
		if err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return err
		}
		if err := p.add(fd); err != nil {
			return err
		}
	}
	for {
		n := p.wait()
		for i := range p.events[:n] {
			fd := p.events[i].Fd
			got := p.receive(fd)
			if got <= 0 || !p.send(fd, got) {
				return nil
			}
		}
	}
}

// echo keeps one record in flight on each connection and counts the answers
// of the window.
func echo(port int, plan echoPlan) (result, error) {
	p, err := newPoll()
	if err != nil {
		return result{}, err
	}
	to := &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	fds := make([]int32, plan.Conns)
	for i := range fds {
		fd, err := yardstick.Dial(to)
		if err != nil {
			return result{}, err
		}
		if err := p.add(fd); err != nil {
			return result{}, err
		}
		fds[i] = int32(fd)
	}
	for _, fd := range fds {
		if !p.send(fd, plan.Payload) {
			return result{}, errors.New("sending the first record failed")
		}
	}
	var trips uint64
	var begun time.Duration
	open := yardstick.Monotonic() + plan.WarmUp
	for {
		n := p.wait()
		for i := range p.events[:n] {
			fd := p.events[i].Fd
			if p.receive(fd) != plan.Payload || !p.send(fd, plan.Payload) {
				return result{}, errors.New("a record was cut or the server has gone")
			}
		}
		trips += uint64(n)
		switch now := yardstick.Monotonic(); {
		case begun == 0 && now >= open:
			begun, trips = now, 0
		case begun != 0 && now >= begun+plan.Window:
			return newResult(trips, now-begun), nil
		}
	}
}
