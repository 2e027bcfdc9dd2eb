package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"signalbench/server/admin"
)

// serveCommand serves.
type serveCommand struct{ settings }

// Run serves until the session's context is done and the engine has drained.
func (c *serveCommand) Run(s *session) error {
	entry, err := findEngine(c.Engine)
	if err != nil {
		return err
	}
	processes, tables, err := c.division(entry)
	switch {
	case err != nil:
		return err
	case processes > 1 || c.Supervise:
		return c.supervise(s, processes, tables)
	case tables > 1 && c.Ports == 0:
		c.Ports = tables
	}
	if err := reserveDescriptors(); err != nil {
		return err
	}
	c.resolve()
	page, err := c.demoPage(s.ctx)
	if err != nil {
		return err
	}
	defer page.close()
	cfg, err := c.config(slog.New(slog.NewTextHandler(s.stderr, nil)))
	if err != nil {
		return err
	}
	cfg.Tables = tables
	eng, err := entry.New(cfg)
	if err != nil {
		return fmt.Errorf("engine %s cannot serve these settings: %w", entry.Name, err)
	}
	svc, rooms, err := c.service()
	if err != nil {
		return err
	}
	defer rooms.Close()
	listeners, err := c.listeners(s.ctx)
	if err != nil {
		return err
	}
	announcement := ready{PID: os.Getpid(), Engine: entry.Name}
	for _, l := range listeners {
		announcement.Listen = append(announcement.Listen, l.Addr().String())
	}
	source := &admin.Source{Engine: entry.Name, Started: time.Now(), Stats: cfg.Stats, Service: svc, Config: effective(s.flags)}
	if tables > 1 {
		announcement.Tables, source.Tables = tables, tables
		roomFor(tables)
	}

	// What runs beside the engine ends after it, so that a drain can be watched.
	beside, done := context.WithCancel(context.WithoutCancel(s.ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer done()
	if c.Admin != "" {
		l, err := listen(s.ctx, c.Admin, c.Backlog)
		if err != nil {
			return errors.Join(fmt.Errorf("admin: %w", err), closeAll(listeners))
		}
		announcement.Admin = l.Addr().String()
		wg.Go(func() {
			if err := admin.Serve(beside, l, admin.Handler(source, svc)); err != nil {
				cfg.Log.Error("admin listener ended", "err", err)
			}
		})
	}
	if page != nil {
		announcement.Demo = page.url()
		wg.Go(func() {
			if err := page.serve(beside, announcement.Listen[0]); err != nil {
				cfg.Log.Error("demo listener ended", "err", err)
			}
		})
	}
	if err := announcement.write(s.stdout, people(c.Admin, s.stderr)); err != nil {
		return errors.Join(err, closeAll(listeners))
	}
	if !c.Quiet {
		wg.Go(func() { everySecond(beside, s.stderr, source) })
	}
	wg.Go(func() { svc.Run(beside) })
	if err := eng.Serve(s.ctx, listeners, svc); err != nil {
		return fmt.Errorf("engine %s: %w", entry.Name, err)
	}
	return nil
}
