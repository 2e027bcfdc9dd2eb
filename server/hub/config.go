package hub

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"signalbench/server/engine"
)

// Config holds the hub's limits and policies. Start from [DefaultConfig].
type Config struct {
	// TopicPrefix begins the topics of rooms and ends with a colon, for example
	// "room:"; no other topic can be joined.
	TopicPrefix string
	// RoomsPerConn is how many rooms a connection may be in at a time.
	RoomsPerConn int
	// PeersPerRoom is how many peers a room may have; 0 means no limit.
	PeersPerRoom int
	// PresenceLimit is how many peers of a room may be in presence. Each join of one
	// more costs all of them a message.
	PresenceLimit int
	// PresencePeriod is how long a presence_diff keeps the next one waiting.
	PresencePeriod time.Duration
	// MaxMeta is how many bytes a join's user and meta may have together, as JSON: a
	// room keeps them, and each joiner gets those of all in presence.
	MaxMeta int
	// QueueLen and QueueBytes are how many messages and how many bytes of messages
	// may wait for the members of one room. A message is taken while fewer wait.
	QueueLen, QueueBytes int
	// SlowBroadcast and SlowPresence are what becomes of broadcasts and of presence
	// at a full outbox; empty means the engine's policy, which always holds for
	// relays and replies.
	SlowBroadcast, SlowPresence engine.SlowPolicy
}

// DefaultConfig returns the limits that the server starts with.
func DefaultConfig() Config {
	return Config{
		TopicPrefix:    "room:",
		RoomsPerConn:   32,
		PresenceLimit:  256,
		PresencePeriod: 50 * time.Millisecond,
		MaxMeta:        1 << 10,
		QueueLen:       64,
		QueueBytes:     4 << 20,
		SlowPresence:   engine.SlowDrop,
	}
}

// Validate reports every field that cannot be served with, joined.
func (c *Config) Validate() error {
	var errs []error
	bad := func(cond bool, format string, a ...any) {
		if cond {
			errs = append(errs, fmt.Errorf(format, a...))
		}
	}
	policy := func(what string, p engine.SlowPolicy) {
		bad(p != "" && p != engine.SlowClose && p != engine.SlowDrop, "slow-consumer policy of %s %q is neither %q nor %q", what, p, engine.SlowClose, engine.SlowDrop)
	}
	bad(!topicPrefix.MatchString(c.TopicPrefix), "prefix of topics %q is not one to %d letters, digits, - or _ with a colon behind, like room:", c.TopicPrefix, maxTopicPrefix)
	bad(c.RoomsPerConn < 1 || c.RoomsPerConn > maxRoomsPerConn, "rooms per connection %d are not within 1 and %d", c.RoomsPerConn, maxRoomsPerConn)
	bad(c.PeersPerRoom < 0, "peers per room %d are negative", c.PeersPerRoom)
	bad(c.PresenceLimit < 0, "peers in presence %d are negative", c.PresenceLimit)
	bad(c.PresencePeriod <= 0, "presence period %v is not positive", c.PresencePeriod)
	bad(c.MaxMeta < 0, "user and meta of %d B are negative", c.MaxMeta)
	bad(c.QueueLen < 1, "room queue of %d messages holds none", c.QueueLen)
	bad(c.QueueBytes < 1, "room queue of %d B holds none", c.QueueBytes)
	policy("broadcasts", c.SlowBroadcast)
	policy("presence", c.SlowPresence)
	return errors.Join(errs...)
}

// maxTopicPrefix leaves a topic room for a name.
const maxTopicPrefix = 32

var topicPrefix = regexp.MustCompile(fmt.Sprintf(`^[A-Za-z0-9_-]{1,%d}:$`, maxTopicPrefix))

// maxRoomsPerConn bounds the list that is searched for each message.
const maxRoomsPerConn = 1024
