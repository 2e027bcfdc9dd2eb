package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"signalbench/server/admin"
	"signalbench/server/engine"
	"signalbench/server/enginetest"
)

// watchTimeout bounds one question to an admin listener.
const watchTimeout = 10 * time.Second

// A watcher asks the admin listener of a server of ours.
type watcher struct {
	ctx    context.Context
	url    string
	client *http.Client
}

// watch returns a watcher of the admin listener at url, the scheme of which may
// be left out.
func watch(ctx context.Context, url string) *watcher {
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	// One connection for all questions: what the server holds is not to change
	// because it is asked.
	transport := &http.Transport{MaxConnsPerHost: 1}
	return &watcher{ctx, strings.TrimRight(url, "/") + "/stats", &http.Client{Transport: transport, Timeout: watchTimeout}}
}

func (w *watcher) close() { w.client.CloseIdleConnections() }

// stats asks for everything.
func (w *watcher) stats() (*admin.Stats, error) {
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the admin listener: %w", err)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the admin listener: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking the admin listener: %s answered %s", w.url, resp.Status)
	}
	stats := new(admin.Stats)
	if err := json.NewDecoder(resp.Body).Decode(stats); err != nil {
		return nil, fmt.Errorf("asking the admin listener: %s answered no stats: %w", w.url, err)
	}
	return stats, nil
}

// probe implements enginetest.Target.Probe.
func (w *watcher) probe() (enginetest.Baseline, error) {
	s, err := w.stats()
	if err != nil {
		return enginetest.Baseline{}, err
	}
	return enginetest.Baseline{
		Descriptors: int(s.Process.Descriptors),
		Goroutines:  int(s.Go.Goroutines),
		Open:        int(s.Connections.Open),
	}, nil
}

// describe sets the limits of a target from a server's config.
func describe(t *enginetest.Target, config map[string]any) error {
	for name, into := range map[string]*int{"max-message": &t.MaxMessage, "outbox": &t.Outbox} {
		v, ok := config[name].(float64)
		if !ok {
			return fmt.Errorf("%s is %v, not a number", name, config[name])
		}
		*into = int(v)
	}
	for name, into := range map[string]*time.Duration{
		"read-timeout": &t.ReadTimeout, "write-timeout": &t.WriteTimeout, "handshake-timeout": &t.HandshakeTimeout,
	} {
		v, _ := config[name].(string)
		d, err := time.ParseDuration(v)
		if err != nil {
			return fmt.Errorf("%s is %v: %w", name, config[name], err)
		}
		*into = d
	}
	t.KeepsSlow = config["slow-consumer"] == string(engine.SlowDrop)
	origins, _ := config["origin"].([]any)
	t.ChecksOrigin = true
	for _, o := range origins {
		if o == "*" {
			t.ChecksOrigin = false
		}
	}
	return nil
}
