package ledger

import (
	"context"
	"fmt"
)

// Renew finds the server's processes again, after a restart that was meant. The
// first of them may have lived on, or its admin listener names the one that took
// its place. What the admin listener counts starts anew, and so do the GC pauses of
// Finish. After an error nothing more is known of the server's processes, and
// Finish does not take them for dead.
func (s *Sampler) Renew(ctx context.Context) error {
	before := s.server
	s.server = nil
	pid := 0
	if s.admin != nil {
		stats, err := s.admin.Stats(ctx)
		if err != nil {
			return err
		}
		s.first = stats
		if local(s.admin.URL()) {
			pid = stats.PID
		}
	}
	if before == nil {
		return nil
	}
	if before[0].alive() {
		pid = before[0].pid
	}
	if pid == 0 {
		return fmt.Errorf("the server's process %d has ended, and nothing tells which one took its place: its memory is not measured from here on", before[0].pid)
	}
	now, err := openGroup(s.proc, pid)
	if err != nil {
		return fmt.Errorf("reading the server's process %d: %w", pid, err)
	}
	s.server = now
	s.ticks.server, _, err = now.use()
	return err
}

// Renew makes the meter measure the server's processes as s knows them now, from
// now on.
func (m *Meter) Renew(s *Sampler) { m.server = startGauge(s.server) }
