package engine

import "testing"

func TestOriginAllowed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name         string
		origins      []string
		ports        []int
		origin, host string
		want         bool
	}{
		{name: "no browser", origins: []string{"https://a.test"}, host: "a.test", want: true},
		{name: "any", origins: []string{"*"}, origin: "https://b.test", host: "a.test", want: true},
		{name: "listed", origins: []string{"https://b.test"}, origin: "https://b.test", host: "a.test", want: true},
		{name: "not listed", origins: []string{"https://b.test"}, origin: "https://a.test", host: "a.test"},
		{name: "own", origin: "http://A.test:8080", host: "a.test:8080", want: true},
		{name: "another port", origin: "http://a.test:8090", host: "a.test:8080"},
		{name: "another host", origin: "http://b.test:8080", host: "a.test:8080"},
		{name: "null", origin: "null", host: "a.test"},
		{name: "nonsense", origin: "http://a.test:x", host: "a.test"},
		{name: "page", ports: []int{8090}, origin: "http://a.test:8090", host: "a.test:8080", want: true},
		{name: "page and own", ports: []int{8090}, origin: "http://a.test:8080", host: "a.test:8080", want: true},
		{name: "page beside a list", origins: []string{"https://b.test"}, ports: []int{8090}, origin: "http://a.test:8090", host: "a.test:8080", want: true},
		{name: "own beside a list", origins: []string{"https://b.test"}, ports: []int{8090}, origin: "http://a.test:8080", host: "a.test:8080"},
		{name: "page of another host", ports: []int{8090}, origin: "http://b.test:8090", host: "a.test:8080"},
		{name: "page over IPv6", ports: []int{8090}, origin: "http://[::1]:8090", host: "[::1]:8080", want: true},
		{name: "page on the port of http", ports: []int{80}, origin: "http://a.test", host: "a.test:8080", want: true},
		{name: "page on the port of https", ports: []int{443}, origin: "https://a.test", host: "a.test:8080", want: true},
		{name: "page of no scheme", ports: []int{0}, origin: "null", host: "a.test:8080"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := Config{Origins: tc.origins, OriginPorts: tc.ports}
			if got := c.OriginAllowed(tc.origin, tc.host); got != tc.want {
				t.Errorf("%q to %q: %t, want %t", tc.origin, tc.host, got, tc.want)
			}
		})
	}
}
