package target

import (
	"fmt"
	"strconv"
	"strings"

	"signalbench/loadgen/internal/handshake"
)

// channelPrefix begins the paths of channels, unless they are at the root.
const channelPrefix = "/channel/"

// AppendChannel appends the name of the channel to which connection n subscribes at
// destination to: the path of the URL behind /channel/, or behind its slash, escaped
// as it is there.
func (t *Target) AppendChannel(dst []byte, to, n uint32) []byte {
	for i, part := range t.channels[to] {
		if i > 0 {
			dst = strconv.AppendUint(dst, uint64(n), 10)
		}
		dst = append(dst, part...)
	}
	return dst
}

// CheckChannels says in one sentence why connections would not have a channel each.
func (t *Target) CheckChannels() error {
	for i, u := range t.URLs {
		if len(t.channels[i]) < 2 {
			return fmt.Errorf("URL %q names one channel for all connections: put %s, the connection's number, into its path, for example ws://%s/channel/%s",
				unescaped(u.String()), handshake.Number, u.Host, handshake.Number)
		}
	}
	return nil
}

// channel divides the name of the channel in a path at the numbers.
func channel(path string) []string {
	name, ok := strings.CutPrefix(path, channelPrefix)
	if !ok {
		name = strings.TrimPrefix(path, "/")
	}
	return strings.Split(name, handshake.Number)
}
