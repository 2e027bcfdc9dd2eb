package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/sock"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/workload"
	"signalbench/loadgen/internal/yardstick"
	"signalbench/results"
	"signalbench/server/phoenix"
)

// Broadcasts reports whether a workload publishes in rooms.
func Broadcasts(w string) bool { return w == Broadcast || w == BroadcastClosed }

// closed reports whether a workload that Broadcasts is a closed loop: the next message
// is published when one has reached everybody.
func (p *Plan) closed(w string) bool { return w == BroadcastClosed || p.Rate <= 0 }

// checkBroadcast says in one sentence why workload broadcast cannot be done.
func (p *Plan) checkBroadcast() error {
	if !slices.ContainsFunc(p.Workloads, Broadcasts) {
		return nil
	}
	if p.Proto == nil {
		return errors.New("workload broadcast needs --proto phoenix: connections publish in rooms that they join")
	}
	if _, err := workload.NewBulletins(p.Payload, p.Binary, 0); err != nil {
		return fmt.Errorf("--payload: %w", err)
	}
	rooms := int(p.Proto.Rooms)
	members := p.Conns / max(1, rooms) // of the smallest room
	switch {
	case p.Proto.Swarm > 0:
		return errors.New("workload broadcast shares connections out among --rooms, and workload signal among swarms: run one after the other")
	case members < 2:
		return fmt.Errorf("--rooms %d over %d connections leaves rooms with %d members: a broadcast needs one that publishes and one that receives", rooms, p.Conns, members)
	case p.Publishers < 1:
		return fmt.Errorf("--publishers %d: at least one member of each room must publish", p.Publishers)
	case p.Publishers > members:
		return fmt.Errorf("--publishers %d: the smallest room has %d members (%d connections in %d rooms)", p.Publishers, members, p.Conns, rooms)
	case slices.Contains(p.Workloads, BroadcastClosed) && p.InFlight < 1:
		return errors.New("workload broadcast-closed needs --in-flight, the number of messages to keep on their way")
	case p.Rate <= 0 && p.InFlight < 1:
		return errors.New("workload broadcast needs --rate, messages published per second in all rooms together, for example --rate 1/s, or --in-flight N for a closed loop")
	case slices.ContainsFunc(p.Workloads, func(w string) bool { return Broadcasts(w) && p.closed(w) }) && p.InFlight > workload.FlightLimit:
		return fmt.Errorf("--in-flight %d: workload broadcast has %d messages on their way at most", p.InFlight, workload.FlightLimit)
	}
	return nil
}

// broadcastBytes is the size of the frame in which a message reaches its receivers,
// without what the server adds to the payload.
func (p *Plan) broadcastBytes() int {
	m := phoenix.Message{Topic: p.Proto.AppendTopic(nil, 0), Event: []byte(workload.BroadcastEvent), Payload: make([]byte, p.Payload)}
	var text []byte
	if p.Binary {
		text, _ = phoenix.AppendBinary(nil, phoenix.KindBroadcast, &m) // Proto.Check has seen to the lengths
	} else {
		text = phoenix.Append(nil, p.Proto.Version, &m)
	}
	switch n := len(text); { // RFC 6455 section 5.2
	case n < 126:
		return n + 2
	case n < 1<<16:
		return n + 4
	default:
		return n + 10
	}
}

// fanout makes what the lanes of a broadcast share, and enrols them.
func (r *runner) fanout(w string, span workload.Span, before pace.Schedule) (*workload.Fanout, error) {
	p := r.plan
	tag := byte(r.base.UnixNano())
	layout, err := workload.NewBulletins(p.Payload, p.Binary, tag+1)
	if err != nil {
		return nil, err
	}
	refs, err := stamp.New(stamp.HeaderSize, tag+2) // those of joins have the tag itself
	if err != nil {
		return nil, err
	}
	t := workload.Timetable{Span: span, Warm: before, Main: pace.Constant{Rate: p.Rate, Length: p.Window}}
	if p.closed(w) {
		t.InFlight = p.InFlight
	}
	f := workload.NewFanout(workload.Audience{
		Rooms: p.rooms(), Publishers: p.Publishers, Layout: layout, Refs: refs, Binary: p.Binary, First: r.published,
	}, t, p.loops())
	return f, r.fleet.each(func(c *crew) { f.Enrol(c.Lane) })
}

// newFanout is what a phase says of a broadcast before there is any.
func newFanout(f *workload.Fanout) *results.Fanout {
	return &results.Fanout{Rooms: f.Rooms, Receivers: f.Receivers(), Publishers: f.Rooms * f.Publishers}
}

// bareFanout measures bare fan-out, while the connections of the run are idle. A run
// without it is as good as one with it.
func (r *runner) bareFanout(f *yardstick.Fanout) error {
	r.current = "yardstick"
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	var err error
	ended := make(chan struct{})
	through := make(chan struct{}, 1)
	go func() {
		var limit int
		if limit, err = sock.DescriptorLimit(); err == nil {
			err = f.Measure(ctx, limit)
		}
		close(ended)
		through <- struct{}{}
	}()
	why := r.waitFor(r.now()+yardstickLimit, func() (bool, error) {
		select {
		case <-ended:
			return true, nil
		default:
			return false, nil
		}
	}, through)
	cancel()
	<-ended
	if why == nil && err != nil {
		r.find(results.Warning, "yardstick", "", "deliveries are not given as a ratio to bare fan-out: %v", err)
	}
	return why
}

// yardstickLimit is longer than what bare fan-out takes, which is bounded itself.
const yardstickLimit = 5 * time.Minute
