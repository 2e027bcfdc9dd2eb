package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

// checkStorm reports what is wrong with the plan's storms.
func (p *Plan) checkStorm() error {
	if !slices.Contains(p.Workloads, Storm) {
		return nil
	}
	kinds := []string{results.StormReset, results.StormSilence, results.StormRestart}
	switch {
	case !slices.Contains(kinds, p.Storm):
		return fmt.Errorf("unknown storm %q: there are %s", p.Storm, list(kinds))
	case p.Storm == results.StormRestart && p.RestartURL == "":
		return errors.New("--storm restart needs --restart-url, where a POST restarts the server")
	case p.Storm != results.StormRestart && p.RestartURL != "":
		return fmt.Errorf("--restart-url is for --storm restart, and not for --storm %s", p.Storm)
	case len(p.Backoffs) == 0:
		return errors.New("workload storm needs --backoff: none, or two times like 100ms..10s")
	case p.StormLimit <= 0 || p.StormLimit > results.HighestValue:
		return fmt.Errorf("--storm-limit %v is not above zero, or longer than the %v that times are kept up to", p.StormLimit, results.HighestValue)
	}
	return nil
}

// storms runs one storm for each way to wait. They are numbered through the run if
// there are several.
func (r *runner) storms(names map[string]int, suffix string) error {
	several := len(r.plan.Backoffs) > 1 || strings.Count(strings.Join(r.plan.Workloads, " "), Storm) > 1
	for _, b := range r.plan.Backoffs {
		names[Storm]++
		name := Storm
		if several {
			name = fmt.Sprintf("%s-%d", Storm, names[Storm])
		}
		if err := r.storm(name+suffix, b); err != nil {
			return err
		}
	}
	return nil
}

// storm loses every connection and dials all again, as one phase: until the last
// is back, or for as long as the plan allows. Each half has a limit of its own:
// until all are lost, and until all are back from then on.
func (r *runner) storm(name string, b workload.Backoff) error {
	p := r.plan
	timed := append(p.dialled(), record.Recovery)
	if p.greets() {
		timed = append(timed, p.greeting(), record.Service)
	}
	window := newPhase(p.loops(), results.Phase{
		Name: name + "/" + string(results.Window), Kind: results.Window, Workload: Storm, Model: results.NoLoad,
	}, timed...)
	start := r.now() + lead
	err := r.hand(func(c *crew) workload.Stage {
		shard := window.shards[c.Index]
		c.delivery.Begin(nil, shard, workload.Endless())
		return workload.NewStorm(c.Lane, c.delivery, shard, workload.Weather{
			By: p.Storm, Backoff: b, Start: start, Pending: max(1, p.Pending/p.loops()), Greet: p.greets(), Seed: p.Lifetimes.Seed,
		})
	}, window)
	if err != nil {
		return err
	}
	// That no connection is open is what is meant here, and no sign of a server
	// that is gone.
	r.watch = false
	why := r.until(start)
	r.begin(window, start)
	if why == nil {
		why = r.weather(window)
	}
	r.finish(window, r.now()-start)
	r.watch = true
	tally, err := r.tally()
	early := errors.Join(why, err, r.settleAccounts(why))
	window.Storm = tally.Storm(p.Storm, b)
	return errors.Join(early, r.close(window))
}

// weather waits for both halves of a storm.
func (r *runner) weather(window *phase) error {
	p := r.plan
	var restarted chan error
	if p.Storm == results.StormRestart {
		ctx, cancel := context.WithTimeout(r.ctx, p.StormLimit)
		defer cancel()
		restarted = make(chan error, 1)
		go func() {
			restarted <- restart(ctx, p.RestartURL)
			r.fleet.poke()
		}()
	}
	refused := false
	lost := func() (bool, error) {
		select {
		case err := <-restarted:
			restarted = nil
			if err != nil {
				refused = true
				r.find(results.Fatal, results.CheckStorm, window.Name, "the server was not restarted: %v", err)
			}
		default:
		}
		ok, err := r.fleet.all(func(c *crew) bool { return c.stage.(*workload.Storm).Lost() })
		return refused || ok && restarted == nil, err
	}
	if err := r.waitFor(r.now()+p.StormLimit, lost, r.fleet.through); err != nil || refused {
		return err
	}
	if restarted != nil {
		r.find(results.Fatal, results.CheckStorm, window.Name, "the server was not restarted within %v", p.StormLimit)
	}
	if p.Storm == results.StormRestart {
		if err := r.sampler.Renew(r.ctx); err != nil {
			r.find(results.Warning, results.CheckLedger, window.Name, "after the restart: %v", err)
		}
		window.meter.Renew(r.sampler)
	}
	return r.finished(r.now() + p.StormLimit)
}

// tally adds up what the lanes have counted of a storm.
func (r *runner) tally() (sum workload.Tally, err error) {
	first := true
	err = r.fleet.each(func(c *crew) {
		t := c.stage.(*workload.Storm).Tally()
		if first {
			sum, first = t, false
			return
		}
		sum.Add(t)
	})
	return sum, err
}

// restart asks for the server's restart, and returns when it is done.
func restart(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err // names method and URL
	}
	defer resp.Body.Close()
	const some = 512
	body, err := io.ReadAll(io.LimitReader(resp.Body, some))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", url, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("POST %s answered %s: %q", url, resp.Status, body)
	}
	return nil
}
