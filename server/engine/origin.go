package engine

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// OriginAllowed applies the rules of Config.Origins and Config.OriginPorts to one
// request.
func (c *Config) OriginAllowed(origin, host string) bool {
	if origin == "" || slices.Contains(c.Origins, "*") || slices.Contains(c.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	if len(c.Origins) == 0 && strings.EqualFold(u.Host, host) {
		return true
	}
	if len(c.OriginPorts) == 0 {
		return false
	}
	h := url.URL{Host: host}
	return strings.EqualFold(u.Hostname(), h.Hostname()) && slices.Contains(c.OriginPorts, portOf(u))
}

// portOf is the port of an origin, 0 if it is none that can be.
func portOf(u *url.URL) int {
	switch text := u.Port(); {
	case text != "":
		n, _ := strconv.Atoi(text) // url.Parse let digits alone pass
		return n
	case u.Scheme == "http":
		return 80
	case u.Scheme == "https":
		return 443
	}
	return 0
}
