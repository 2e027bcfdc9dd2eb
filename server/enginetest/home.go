package enginetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"signalbench/server/engine"
)

// homes returns an audience's connections by their homes, those without one apart.
func (a *audience) homes() (map[engine.Home]*audience, error) {
	homes := make(map[engine.Home]*audience)
	for i, c := range a.conns {
		home := c.Home()
		if c.Home() != home {
			return nil, errors.New("expected the Home of a connection to stay the same, got another one")
		}
		if home == nil {
			continue
		}
		if homes[home] == nil {
			homes[home] = new(audience)
		}
		homes[home].conns = append(homes[home].conns, c)
		homes[home].peers = append(homes[home].peers, a.peers[i])
	}
	return homes, nil
}

func homeOrder(ctx context.Context, e engine.Entry) error {
	const jobs = 100
	return gathered(ctx, e, 6, nil, func(_ *stand, a *audience) error {
		homes, err := a.homes()
		if err != nil {
			return err
		}
		for home, own := range homes {
			var busy atomic.Bool
			faults := make(chan error, jobs+1)
			posted := make(chan struct{})
			do := func(job func() error) error {
				if !home.Do(func() {
					if !busy.CompareAndSwap(false, true) {
						faults <- errors.New("expected the jobs to run one at a time, got one beside another")
					}
					if err := job(); err != nil {
						faults <- err
					}
					busy.Store(false)
				}) {
					return errors.New("expected a Home to take a job, got no")
				}
				return nil
			}
			err := do(func() error { <-posted; return nil }) // so that there is an order to be kept
			before := prepared(engine.OpText, []byte("before"))
			for _, c := range own.conns {
				err = errors.Join(err, c.SendPrepared(before))
			}
			for i := range jobs {
				err = errors.Join(err, do(func() error { return own.tell(prepared(engine.OpText, fmt.Append(nil, i))) }))
			}
			close(posted)
			if err != nil {
				return err
			}
			for _, p := range own.peers {
				if err := p.wantText("before"); err != nil {
					return err
				}
				for i := range jobs {
					if err := p.wantText(fmt.Sprint(i)); err != nil {
						return err
					}
				}
			}
			select {
			case err := <-faults:
				return err
			default:
			}
		}
		return nil
	})
}

func homePanic(ctx context.Context, e engine.Entry) error {
	return gathered(ctx, e, 3, nil, func(_ *stand, a *audience) error {
		homes, err := a.homes()
		if err != nil {
			return err
		}
		for home, own := range homes {
			home.Do(func() { panic("a job of the conformance kit") })
			told := make(chan error, 1)
			home.Do(func() { told <- own.tell(prepared(engine.OpText, []byte("still here"))) })
			err, lost := receive(ctx, "a job to run behind one that has panicked", told)
			if err != nil || lost != nil {
				return errors.Join(err, lost)
			}
			for _, p := range own.peers {
				if err := p.wantText("still here"); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func homeEnded(ctx context.Context, e engine.Entry) error {
	var homes map[engine.Home]*audience
	var posting errgroup.Group
	brief := func(c *engine.Config) { c.DrainTimeout = 100 * time.Millisecond }
	err := gathered(ctx, e, 6, brief, func(st *stand, a *audience) (err error) {
		if homes, err = a.homes(); err != nil {
			return err
		}
		m := prepared(engine.OpText, []byte("are you there?"))
		for home, own := range homes {
			ran := make(chan struct{}, 1)
			posting.Go(func() error {
				for home.Do(func() { _ = own.tell(m); ran <- struct{}{} }) {
					select {
					case <-ran:
					case <-st.done: // the last one was lost
						return nil
					}
				}
				return nil
			})
		}
		return nil
	})
	if err != nil && !errors.Is(err, engine.ErrDrainDeadline) {
		return err
	}
	if err := posting.Wait(); err != nil {
		return err
	}
	for home := range homes {
		if home.Do(func() {}) {
			return errors.New("expected the Home of a server that has ended to take no job, got yes")
		}
	}
	return nil
}
