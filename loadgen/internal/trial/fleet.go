package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/fdtable"
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/publish"
	"signalbench/loadgen/internal/sock"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/tlswire"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/workload"
)

// closeTimeout is how long a server may take to answer a close frame.
const closeTimeout = 5 * time.Second

// spareDescriptors is how many descriptors besides its connections a run may need.
const spareDescriptors = 64

// crew is one lane with what it was given.
type crew struct {
	*lane.Lane
	delivery  *workload.Delivery
	client    *channel.Client    // nil without a protocol above WebSocket
	peers     *workload.Peers    // nil unless there is workload signal
	publisher *publish.Publisher // nil unless messages are published
	stage     workload.Stage     // of the lane's thread
}

// A fleet is all lanes of a run.
type fleet struct {
	crews []*crew
	// through gets a value when some lane may be through with its stage.
	through chan struct{}
	failed  chan error // a lane that ended by itself
	wait    sync.WaitGroup
}

// launch makes and starts the lanes.
func launch(ctx context.Context, p *Plan, now func() time.Duration, tag byte) (*fleet, error) {
	size := max(p.Payload, stamp.MinSize)
	if p.Proto != nil {
		size = stamp.HeaderSize // of refs
	}
	layout, err := stamp.New(size, tag)
	if err != nil {
		return nil, err
	}
	ports, err := target.LocalPorts()
	if err != nil {
		return nil, err
	}
	var admin publish.Admin
	if p.publishes() {
		if admin, err = publish.Find(ctx, p.Admin); err != nil {
			return nil, err
		}
	}
	op := frame.Text
	if p.Binary {
		op = frame.Binary
	}
	if p.Groups == 1 { // else each lane has a table that no other thread shares
		if err := fdtable.Reserve(p.Conns + p.Lanes*p.lines() + spareDescriptors); err != nil {
			return nil, err
		}
	}
	proto := p.proto()
	f := &fleet{through: make(chan struct{}, 1), failed: make(chan error, p.loops())}
	spread := p.Target.Spread(p.Conns, ports)
	for i := range p.loops() {
		first, conns, chunk := p.lane(i)
		var transport wire.Transport
		if transport, err = sock.New(conns+p.lines(), p.Groups > 1); err != nil {
			f.stop()
			return nil, err
		}
		if p.Target.TLS {
			transport = tlswire.New(transport, conns, p.TLS)
		}
		var dialect lane.Dialect
		if p.Target.Raw {
			dialect = lane.Records(layout.Size())
		}
		l := lane.New(lane.Config{
			Index: i, First: uint32(first), Stride: uint32(p.Lanes * chunk), Chunk: uint32(chunk), Conns: conns, Lines: p.lines(), Now: now,
			Transport: transport, Target: p.Target, Spread: spread,
			Pending: p.Pending / p.Lanes, DialTimeout: p.DialTimeout, CloseTimeout: closeTimeout,
			Dialect: dialect, MaxMessage: max(1<<20, 2*p.Payload),
			Notify: f.poke,
		})
		c := &crew{Lane: l}
		var form workload.Form = workload.NewEchoes(layout, op)
		if proto != nil {
			c.client = channel.NewClient(proto, l, layout)
			form = workload.NewPushes(c.client)
		}
		if p.envelopes() {
			form = workload.NewLogins(l, today)
		}
		if p.Subscribe {
			form = workload.NewPublished(layout, op)
		}
		c.delivery = workload.NewDelivery(l, form)
		if p.publishes() {
			c.publisher = publish.New(l, admin, c.delivery.Unheard)
			c.delivery.PublishBy(c.publisher)
		}
		if p.signals() {
			c.peers = workload.NewPeers(conns)
			c.delivery.Welcome(func(conn wire.Conn, response []byte) { c.peers.Joined(conn, response) })
		}
		f.crews = append(f.crews, c)
		f.wait.Go(func() {
			if err := l.Run(); err != nil {
				f.failed <- err
			}
		})
	}
	return f, nil
}

// groups returns the lanes in their order as fleets of size lanes each.
func (f *fleet) groups(size int) []*fleet {
	var list []*fleet
	for crews := range slices.Chunk(f.crews, size) {
		list = append(list, &fleet{crews: crews, through: f.through, failed: f.failed})
	}
	return list
}

func (f *fleet) poke() {
	select {
	case f.through <- struct{}{}:
	default:
	}
}

// stop ends all lanes; what is still connected is reset.
func (f *fleet) stop() {
	for _, c := range f.crews {
		c.Stop()
	}
	f.wait.Wait()
}

var errLaneEnded = errors.New("an event loop has ended")

// each runs do on every lane's own thread, one lane after the other.
func (f *fleet) each(do func(*crew)) error {
	for _, c := range f.crews {
		if !c.Call(func() { do(c) }) {
			select {
			case err := <-f.failed:
				return fmt.Errorf("%w: %w", errLaneEnded, err)
			default:
				return errLaneEnded
			}
		}
	}
	return nil
}

// all reports whether cond holds on every lane.
func (f *fleet) all(cond func(*crew) bool) (bool, error) {
	yes := true
	err := f.each(func(c *crew) { yes = yes && cond(c) })
	return yes, err
}

func finished(c *crew) bool { return c.stage == nil || c.stage.Finished() }
