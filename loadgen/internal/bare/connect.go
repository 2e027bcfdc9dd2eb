package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/yardstick"
)

type connectPlan struct {
	Conns int `default:"10240" help:"Connections, a multiple of 512."`
}

func (c connectPlan) Validate() error {
	if c.Conns < yardstick.Burst || c.Conns%yardstick.Burst != 0 {
		return fmt.Errorf("connections must be a multiple of %d", yardstick.Burst)
	}
	return nil
}

// serveConnect accepts and keeps what it has accepted until it is killed.
func serveConnect(l int, plan connectPlan) error {
	if _, err := yardstick.Accepts(l, plan.Conns); err != nil {
		return err
	}
	for {
		unix.Pause()
	}
}

// connect opens the connections; they end with the process.
func connect(port int, plan connectPlan) (result, error) {
	_, took, err := yardstick.Opens(port, plan.Conns)
	if err != nil {
		return result{}, err
	}
	return newResult(uint64(plan.Conns), took), nil
}
