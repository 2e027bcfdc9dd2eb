package shards

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"signalbench/server/admin"
)

// atOnce is how many shards start, or are asked, at the same time.
const atOnce = 4

// Options say what to start.
type Options struct {
	Binary string
	// Args are the arguments of each shard. Where its admin listener is to be is
	// added to them.
	Args [][]string
	// Env is the environment of each shard.
	Env []string
	// Stderr is where all shards write. It must take calls from any goroutine.
	Stderr io.Writer
	// Started is since when the fleet exists, for its uptime.
	Started time.Time
}

// A Fleet is all shards of a server. It may be used by several goroutines.
type Fleet struct {
	Options
	dir    string // of the admin sockets
	shards []*shard
	wait   sync.WaitGroup
}

var _ admin.Reader = (*Fleet)(nil)

// Start starts all shards, or none. Whoever gets a fleet ends it with Stop.
func Start(ctx context.Context, o Options) (*Fleet, error) {
	dir, err := os.MkdirTemp("", "signalbench-shards")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the shards' admin sockets: %w", err)
	}
	f := &Fleet{Options: o, dir: dir, shards: make([]*shard, len(o.Args))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range f.shards {
		group.Go(func() error {
			s, err := start(ctx, o, i, filepath.Join(dir, fmt.Sprint(i)))
			if err != nil {
				return fmt.Errorf("shard %d: %w", i, err)
			}
			f.shards[i] = s
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, errors.Join(err, f.kill())
	}
	for i, s := range f.shards {
		f.wait.Go(func() { f.attend(i, s) })
	}
	return f, nil
}

// attend waits for the end of a shard and tells of one that nobody asked for.
func (f *Fleet) attend(i int, s *shard) {
	<-s.ended
	if died, how := s.fate(); died {
		fmt.Fprintf(f.Stderr, "server: shard %d (process %d) died: %s; it had %d connections\n", i, s.PID, how, s.open())
	}
}

// Watch asks all shards once a second for their counters, until ctx is done or
// no shard is left. What a shard held when it dies is known from that. each is
// told the sum.
func (f *Fleet) Watch(ctx context.Context, each func(admin.Connections)) {
	gone := make(chan struct{})
	go func() { f.wait.Wait(); close(gone) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-gone:
			return
		case <-tick.C:
			var sum admin.Connections
			for _, s := range f.shards {
				s.count() // one that does not answer keeps what it said last
				sum.Add(s.counted())
			}
			each(sum)
		}
	}
}

// Stop asks all shards to drain, and kills what has not ended after grace. It
// reports the shards that had died before. No shard is left when it returns.
func (f *Fleet) Stop(grace time.Duration) error {
	for _, s := range f.shards {
		s.signal(syscall.SIGTERM)
	}
	late := time.AfterFunc(grace, func() {
		for _, s := range f.shards {
			s.signal(syscall.SIGKILL)
		}
	})
	f.wait.Wait()
	late.Stop()
	dead := 0
	for _, s := range f.shards {
		if died, _ := s.fate(); died {
			dead++
		}
	}
	err := os.RemoveAll(f.dir)
	if dead > 0 {
		err = errors.Join(fmt.Errorf("%d of %d shards died", dead, len(f.shards)), err)
	}
	return err
}

// kill ends what Start has started before it failed.
func (f *Fleet) kill() error {
	for _, s := range f.shards {
		if s != nil {
			s.signal(syscall.SIGKILL)
			<-s.ended
		}
	}
	return os.RemoveAll(f.dir)
}

// Infos tells of each shard what its ready line said.
func (f *Fleet) Infos() []Info {
	all := make([]Info, len(f.shards))
	for i, s := range f.shards {
		all[i] = s.Info
	}
	return all
}

// Read implements [admin.Reader]: all shards and this process together.
func (f *Fleet) Read() (*admin.Stats, error) { return f.ask("GET", "/stats", admin.ReadSelf) }

// Settle implements [admin.Reader].
func (f *Fleet) Settle() (*admin.Stats, error) { return f.ask("POST", "/settle", admin.SettleSelf) }

// ask sums the answers of all shards that live, and what this process, which
// has no connections, says of itself.
func (f *Fleet) ask(method, path string, self func() (*admin.Stats, error)) (*admin.Stats, error) {
	sum, err := self()
	if err != nil {
		return nil, err
	}
	answers := make([]*admin.Stats, len(f.shards))
	group := new(errgroup.Group)
	group.SetLimit(atOnce)
	for i, s := range f.shards {
		group.Go(func() (err error) {
			answers[i], err = s.stats(method, path)
			if died, _ := s.fate(); died {
				return nil // that is told below
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, s := range f.shards {
		info := admin.Shard{PID: s.PID, Alive: answers[i] != nil}
		if info.Alive {
			sum.Add(answers[i])
			info.Open = answers[i].Connections.Open
		} else {
			last := s.counted()
			_, info.Exit = s.fate()
			info.Open = last.Open
			sum.Connections.LostWithShard += uint64(max(0, last.Open))
			last.Open = 0 // what it counted before stays, what it held is gone
			sum.Connections.Add(last)
		}
		sum.Shards = append(sum.Shards, info)
	}
	sum.Uptime = time.Since(f.Started).Seconds()
	return sum, nil
}
