package shards

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	dir  string // of the admin sockets
	wait sync.WaitGroup

	restarting sync.Mutex // held by whoever replaces shards
	life       context.Context
	end        context.CancelFunc // of what is being started

	mu     sync.Mutex
	shards []*shard          // the slice is replaced, never changed
	past   admin.Connections // of the processes that restarts have ended
	times  int               // restarts
	dead   int               // shards that had died before a restart
	broken error             // of a restart that failed
	left   int               // shards that live
	closed bool              // left is zero for good
	gone   chan struct{}     // closed when closed is set
}

var _ admin.Reader = (*Fleet)(nil)

// Start starts all shards, or none. Whoever gets a fleet ends it with Stop.
func Start(ctx context.Context, o Options) (*Fleet, error) {
	dir, err := os.MkdirTemp("", "signalbench-shards")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the shards' admin sockets: %w", err)
	}
	f := &Fleet{Options: o, dir: dir, gone: make(chan struct{})}
	f.life, f.end = context.WithCancel(context.WithoutCancel(ctx))
	list, err := f.launch(ctx)
	if err != nil {
		f.end()
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// A port that the kernel has chosen is the server's from now on.
	f.Args = make([][]string, len(o.Args))
	for i, args := range o.Args {
		f.Args[i] = pin(args, list[i].Listen)
	}
	f.adopt(list)
	return f, nil
}

// launch starts a process for each shard, or none.
func (f *Fleet) launch(ctx context.Context) ([]*shard, error) {
	list := make([]*shard, len(f.Args))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range list {
		group.Go(func() error {
			s, err := start(ctx, f.Options, i, filepath.Join(f.dir, fmt.Sprintf("%d.%d", i, f.times)))
			if err != nil {
				return fmt.Errorf("shard %d: %w", i, err)
			}
			list[i] = s
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		kill(list)
		return nil, err
	}
	return list, nil
}

// kill ends shards, of which some may be nil, and waits for their end.
func kill(list []*shard) {
	for _, s := range list {
		if s != nil {
			s.signal(syscall.SIGKILL)
		}
	}
	for _, s := range list {
		if s != nil {
			<-s.ended
		}
	}
}

// adopt makes the fleet consist of these shards.
func (f *Fleet) adopt(list []*shard) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shards = list
	f.left += len(list)
	for i, s := range list {
		f.wait.Go(func() { f.attend(i, s) })
	}
}

// pin puts the addresses where a shard listens in place of those that it was told.
func pin(args, listen []string) []string {
	const flag = "--listen="
	pinned := slices.Clone(args)
	k := 0
	for i, a := range pinned {
		if strings.HasPrefix(a, flag) {
			if k == len(listen) {
				return args // it counts ports by itself
			}
			pinned[i] = flag + listen[k]
			k++
		}
	}
	if k != len(listen) {
		return args
	}
	return pinned
}

// attend waits for the end of a shard and tells of one that nobody asked for.
func (f *Fleet) attend(i int, s *shard) {
	<-s.ended
	if died, how := s.fate(); died {
		fmt.Fprintf(f.Stderr, "server: shard %d (process %d) died: %s; it had %d connections\n", i, s.PID, how, s.open())
	}
	f.release(1)
}

// release counts shards that are no more.
func (f *Fleet) release(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left -= n; f.left == 0 && !f.closed {
		f.closed = true
		close(f.gone)
	}
}

// all is the shards that there are now.
func (f *Fleet) all() []*shard {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shards
}

// Restart kills all shards as a crash would, starts them again where they listened,
// and returns the pids of the new ones when they listen. What was connected is
// lost; that is told, as nobody's death. After an error no shard is left.
func (f *Fleet) Restart() ([]int, error) {
	f.restarting.Lock()
	defer f.restarting.Unlock()
	f.mu.Lock()
	old, closed := f.shards, f.closed
	if !closed {
		f.left++ // so that the fleet is not taken for gone meanwhile
	}
	f.mu.Unlock()
	if closed || f.life.Err() != nil {
		return nil, errors.New("the server has ended")
	}
	defer f.release(1)
	for _, s := range old {
		s.retire()
	}
	kill(old)
	lost := int64(0)
	f.mu.Lock()
	f.times++
	f.shards = nil
	for _, s := range old {
		if died, _ := s.fate(); died {
			f.dead++
		}
		last := s.counted()
		lost += last.Open
		f.past.LostWithShard += uint64(max(0, last.Open))
		last.Open = 0
		f.past.Add(last)
	}
	f.mu.Unlock()
	fmt.Fprintf(f.Stderr, "server: restarting %d processes, which had %d connections\n", len(old), lost)
	list, err := f.launch(f.life)
	if err != nil {
		err = fmt.Errorf("restarting: %w", err)
		if f.life.Err() == nil {
			f.mu.Lock()
			f.broken = err
			f.mu.Unlock()
		}
		return nil, err
	}
	f.adopt(list)
	pids := make([]int, len(list))
	for i, s := range list {
		pids[i] = s.PID
	}
	return pids, nil
}

// Watch asks all shards once a second for their counters, until ctx is done or
// no shard is left. What a shard held when it dies is known from that. each is
// told the sum.
func (f *Fleet) Watch(ctx context.Context, each func(admin.Connections)) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.gone:
			return
		case <-tick.C:
			f.mu.Lock()
			list, sum := f.shards, f.past
			f.mu.Unlock()
			for _, s := range list {
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
	f.end() // a restart that is under way comes to nothing
	f.restarting.Lock()
	defer f.restarting.Unlock()
	list := f.all()
	for _, s := range list {
		s.signal(syscall.SIGTERM)
	}
	late := time.AfterFunc(grace, func() {
		for _, s := range list {
			s.signal(syscall.SIGKILL)
		}
	})
	f.wait.Wait()
	late.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	dead := f.dead
	for _, s := range list {
		if died, _ := s.fate(); died {
			dead++
		}
	}
	err := errors.Join(f.broken, os.RemoveAll(f.dir))
	if dead > 0 {
		err = errors.Join(fmt.Errorf("%d of %d shards died", dead, len(f.Args)*(1+f.times)), err)
	}
	return err
}

// Infos tells of each shard what its ready line said.
func (f *Fleet) Infos() []Info {
	var all []Info
	for _, s := range f.all() {
		all = append(all, s.Info)
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
	f.mu.Lock()
	list, times := f.shards, f.times
	sum.Connections.Add(f.past)
	f.mu.Unlock()
	answers := make([]*admin.Stats, len(list))
	group := new(errgroup.Group)
	group.SetLimit(atOnce)
	for i, s := range list {
		group.Go(func() (err error) {
			answers[i], err = s.stats(method, path)
			if s.over() {
				return nil // that is told below
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, s := range list {
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
	sum.Restarts = times
	sum.Uptime = time.Since(f.Started).Seconds()
	return sum, nil
}
