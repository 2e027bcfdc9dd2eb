package adminapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	statsTimeout  = 10 * time.Second
	settleTimeout = 2 * time.Minute // two collections of a heap of many GB
	maxAnswer     = 4 << 20         // bytes
)

// A Client asks one admin listener. It is safe for concurrent use. It keeps at
// most one connection open, so that it adds one descriptor to each side and not
// a changing number.
type Client struct {
	base string
	http *http.Client
}

// New returns a client of the admin listener at an URL like
// "http://127.0.0.1:8081"; the scheme may be left out.
func New(url string) *Client {
	base := strings.TrimRight(url, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	return &Client{
		base: base,
		http: &http.Client{Transport: &http.Transport{
			MaxIdleConns: 1, MaxConnsPerHost: 1, DisableCompression: true,
			// Proxies are for the network's business, not for a listener that is
			// next to the measured one.
			Proxy: nil,
		}},
	}
}

// URL is the address that the client asks, with its scheme.
func (c *Client) URL() string { return c.base }

// Stats reads the server's state. Errors name the URL.
func (c *Client) Stats(ctx context.Context) (*Stats, error) {
	return c.ask(ctx, http.MethodGet, "/stats", statsTimeout)
}

// Settle makes the server collect its garbage and return free memory, and reads
// its state afterwards. Errors name the URL.
func (c *Client) Settle(ctx context.Context) (*Stats, error) {
	return c.ask(ctx, http.MethodPost, "/settle", settleTimeout)
}

// Close closes the idle connection.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) ask(ctx context.Context, method, path string, timeout time.Duration) (*Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	url := c.base + path
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, fmt.Errorf("admin listener %s: %w", c.base, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("admin listener: %w", err) // names method and URL
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("admin listener: reading %s: %w", url, err)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("admin listener: %s %s answered %s, not 200 OK", method, url, resp.Status)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("admin listener: %s answered more than %d MiB", url, maxAnswer>>20)
	}
	stats := new(Stats)
	if err := json.Unmarshal(body, stats); err != nil {
		return nil, fmt.Errorf("admin listener: %s answered no stats: %w", url, err)
	}
	return stats, nil
}
