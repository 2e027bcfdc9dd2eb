package channel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"signalbench/server/phoenix"
)

// Name is what this protocol is called, as in results.Spec.Proto.
const Name = "phoenix"

// DefaultPath is where Phoenix serves a socket if the endpoint does not say
// otherwise.
const DefaultPath = "/socket/websocket"

// Placeholder in a topic stands for the number of a room.
const Placeholder = "{n}"

// A Protocol is what all connections of a run have in common.
type Protocol struct {
	Version phoenix.Version
	// Topic is what connections join; [Placeholder] stands for the number of a
	// connection's room.
	Topic string
	// Rooms is how many rooms there are, which connections enter in turn.
	Rooms uint32
	// Swarm, if it is not 0, is how many connections that follow each other share a
	// room; Rooms does not count then.
	Swarm uint32
	// Join is the payload of a join, Push that of a push; JSON, but for a Push that
	// is Binary.
	Join, Push []byte
	Event      string // of a push
	Binary     bool   // pushes are binary messages
}

// Check says in one sentence what cannot be done.
func (p *Protocol) Check() error {
	numbered := strings.Contains(p.Topic, Placeholder)
	longest := len(strings.ReplaceAll(p.Topic, Placeholder, strconv.Itoa(1<<30)))
	for _, wrong := range []struct {
		is  bool
		err error
	}{
		{p.Topic == "", errors.New("--topic is empty: name what connections join, for example room:bench")},
		{longest > phoenix.MaxTopic, fmt.Errorf("--topic is longer than %d B", phoenix.MaxTopic)},
		{p.Rooms < 1, errors.New("--rooms: there must be at least one room")},
		{p.Rooms > 1 && !numbered, fmt.Errorf("--rooms %d needs %s in --topic, which stands for the number of the room, for example room:%s", p.Rooms, Placeholder, Placeholder)},
		{p.Swarm > 0 && !numbered, fmt.Errorf("--topic %s has no %s, which stands for the number of the swarm, for example room:s%s", p.Topic, Placeholder, Placeholder)},
		{p.Event == "" || len(p.Event) > phoenix.MaxEvent, fmt.Errorf("--event is not from 1 to %d B long", phoenix.MaxEvent)},
		{strings.HasPrefix(p.Event, "phx_"), fmt.Errorf("--event %s is an event of the protocol itself", p.Event)},
		{!json.Valid(p.Join), fmt.Errorf("--join-payload %q is not JSON", p.Join)},
		{!p.Binary && !json.Valid(p.Push), fmt.Errorf("--push-payload %q is not JSON", p.Push)},
		{p.Binary && p.Version != phoenix.V2, errors.New("--binary needs --vsn 2.0.0: version 1 has no binary messages")},
	} {
		if wrong.is {
			return wrong.err
		}
	}
	return nil
}

// Room is the number of the room of connection n.
func (p *Protocol) Room(n uint32) uint32 {
	if p.Swarm > 0 {
		return n / p.Swarm
	}
	return n % p.Rooms
}

// AppendTopic appends the topic of connection n.
func (p *Protocol) AppendTopic(dst []byte, n uint32) []byte {
	for rest := p.Topic; ; {
		before, after, found := strings.Cut(rest, Placeholder)
		dst = append(dst, before...)
		if !found {
			return dst
		}
		dst = strconv.AppendUint(dst, uint64(p.Room(n)), 10)
		rest = after
	}
}

// Filler returns a payload of size bytes: a JSON object, or plain bytes.
func Filler(size int, binary bool) ([]byte, error) {
	if binary {
		return []byte(strings.Repeat("0", size)), nil
	}
	const head, tail = `{"pad":"`, `"}`
	if size < len(head)+len(tail) {
		return nil, fmt.Errorf("a payload of %d B is too small: a JSON object with a member takes %d B; --push-payload gives the payload itself", size, len(head)+len(tail))
	}
	return []byte(head + strings.Repeat("0", size-len(head)-len(tail)) + tail), nil
}

// Address completes the URL of a socket: the default path if it has none, and the
// version in the query, where Phoenix looks for it. A URL that asks for a version
// decides if version is 0, and is an error if it asks for another.
func Address(raw string, version phoenix.Version) (string, phoenix.Version, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return raw, version, nil // told by who connects
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = DefaultPath
	}
	query := u.Query()
	if query.Has("vsn") {
		asked, err := phoenix.ParseVersion(query.Get("vsn"))
		switch {
		case err != nil:
			return "", 0, fmt.Errorf("URL %q: %w", raw, err)
		case version != 0 && asked != version:
			return "", 0, fmt.Errorf("URL %q asks for version %v and --vsn for %v", raw, asked, version)
		}
		return u.String(), asked, nil
	}
	if version == 0 {
		version = phoenix.V2
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "vsn=" + version.String()
	return u.String(), version, nil
}
