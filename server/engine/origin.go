package engine

import (
	"net/url"
	"slices"
	"strings"
)

// OriginAllowed applies the rule of Config.Origins to one request.
func (c *Config) OriginAllowed(origin, host string) bool {
	if origin == "" || slices.Contains(c.Origins, "*") || slices.Contains(c.Origins, origin) {
		return true
	}
	if len(c.Origins) > 0 {
		return false
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, host)
}
