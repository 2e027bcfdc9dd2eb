package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"signalbench/server/channel"
	"signalbench/server/engine"
	"signalbench/server/gate"
	"signalbench/server/hongbao"
	"signalbench/server/hub"
	"signalbench/server/service"
)

// secretVariable is the environment variable that may hold the secret of tokens.
const secretVariable = "SIGNALBENCH_TOKEN_SECRET"

// signaling are the flags of what runs on the engine. What a room or a channel is
// it is within one process.
type signaling struct {
	TopicPrefix    string        `help:"How topics of rooms begin." default:"room:" placeholder:"PREFIX"`
	ConnRooms      int           `help:"Most rooms of one connection." default:"32" placeholder:"N"`
	RoomPeers      int           `help:"Most peers of one room, 0 for no limit." default:"0" placeholder:"N"`
	RoomPresence   int           `help:"Most peers of one room in presence; others join without." default:"256" placeholder:"N"`
	RoomMeta       bytesFlag     `help:"How much a peer may tell of itself in presence." default:"1KiB" placeholder:"SIZE"`
	RoomQueue      int           `help:"How many broadcasts may wait for the members of one room; a further one is refused." default:"64" placeholder:"N"`
	RoomQueueBytes bytesFlag     `help:"How much may wait for the members of one room." default:"4MiB" placeholder:"SIZE"`
	PresencePeriod time.Duration `help:"Shortest time between two presence diffs of one room." default:"50ms" placeholder:"TIME"`
	SlowBroadcast  string        `help:"As --slow-consumer, for what is sent to a whole room; without it, the same." enum:",close,drop" default:"" placeholder:"POLICY"`
	SlowPresence   string        `help:"As --slow-consumer, for presence; one that lost some gets all of it later." enum:"close,drop" default:"drop" placeholder:"POLICY"`
	ChannelPing    time.Duration `help:"How often a subscriber of a channel gets an empty message, 0 for never." default:"5m" placeholder:"TIME"`
	ChannelRoot    bool          `help:"Any path that nothing else has is a channel, named by what follows its slash, as in goroutines.com/10m: /17 is the channel of /channel/17."`

	Envelopes gate.Rate `help:"Red envelopes that enter while somebody shakes, 0 for none." default:"200/s" placeholder:"N/s"`
	Gifts     gate.Rate `help:"Gifts for three users each that enter while somebody shakes, 0 for none." default:"200/s" placeholder:"N/s"`
	Shakes    gate.Rate `help:"Shakes beyond so many in one second are answered with overload, 0 for no limit." default:"65000/s" placeholder:"N/s"`

	secretSource
	AddrConns    int       `help:"Most connections of one address (IPv6: of one /64), 0 for no limit." default:"0" placeholder:"N"`
	AddrRate     gate.Rate `help:"Most handshakes of one address, a second's worth of them at once; 0 for no limit." default:"0" placeholder:"N/s"`
	AddrMessages gate.Rate `help:"Most messages of all connections of one address, a second's worth of them at once; 0 for no limit." default:"0" placeholder:"N/s"`
}

// service returns what runs on the engine. Whoever gets it closes the hub when the
// engine has ended.
func (c *signaling) service() (*service.Service, *hub.Hub, error) {
	secret, err := c.secret()
	switch {
	case err != nil:
		return nil, nil, err
	case c.AddrConns < 0:
		return nil, nil, fmt.Errorf("--addr-conns %d is negative", c.AddrConns)
	case c.ChannelPing < 0:
		return nil, nil, fmt.Errorf("--channel-ping %v is negative", c.ChannelPing)
	}
	envelopes, err := hongbao.New(hongbao.Config{Envelopes: float64(c.Envelopes), Gifts: float64(c.Gifts), Shakes: float64(c.Shakes)})
	if err != nil {
		return nil, nil, err
	}
	rooms, err := hub.New(hub.Config{
		TopicPrefix:    c.TopicPrefix,
		RoomsPerConn:   c.ConnRooms,
		PeersPerRoom:   c.RoomPeers,
		PresenceLimit:  c.RoomPresence,
		PresencePeriod: c.PresencePeriod,
		MaxMeta:        int(c.RoomMeta),
		QueueLen:       c.RoomQueue,
		QueueBytes:     int(c.RoomQueueBytes),
		SlowBroadcast:  engine.SlowPolicy(c.SlowBroadcast),
		SlowPresence:   engine.SlowPolicy(c.SlowPresence),
	})
	if err != nil {
		return nil, nil, err
	}
	return service.New(service.Config{
		Rooms:    rooms,
		Channels: channel.New(channel.Config{Ping: c.ChannelPing, Root: c.ChannelRoot}),
		Hongbao:  envelopes,
		Gate:     gate.New(gate.Config{Secret: secret, Conns: c.AddrConns, Upgrades: c.AddrRate, Messages: c.AddrMessages}),
	}), rooms, nil
}

// secretSource is where the secret of tokens comes from: never from a flag's value,
// which every user of the machine can read.
type secretSource struct {
	TokenSecretFile string `help:"File with a secret of 32 bytes or more: only who has a token signed with it gets in (server token makes one). The environment variable ${secret} does the same." placeholder:"FILE"`
}

// secret returns the secret, nil if there is none.
func (c *secretSource) secret() (gate.Secret, error) {
	text, from := []byte(os.Getenv(secretVariable)), secretVariable
	if c.TokenSecretFile != "" {
		from = c.TokenSecretFile
		var err error
		if text, err = os.ReadFile(from); err != nil {
			return nil, fmt.Errorf("reading the secret: %w", err)
		}
	} else if len(text) == 0 {
		return nil, nil
	}
	secret, err := gate.ParseSecret(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return secret, nil
}

// tokenCommand makes a token.
type tokenCommand struct {
	SecretFile string        `help:"File with the server's secret; without it, the environment variable ${secret}." placeholder:"FILE"`
	User       string        `help:"Whom the token is for; others in a room see the name." required:"" placeholder:"NAME"`
	Room       []string      `help:"Topic that may be joined, a * at its end for all that begin so (repeatable): room:lobby, room:*, channel:*. Without it, all." sep:"none" placeholder:"PATTERN"`
	Expires    time.Duration `help:"For how long the token is good." default:"1h" placeholder:"TIME"`
}

// Run writes the token.
func (c *tokenCommand) Run(s *session) error {
	secret, err := (&secretSource{c.SecretFile}).secret()
	switch {
	case err != nil:
		return err
	case secret == nil:
		return errors.New("a token needs the server's secret: give --secret-file, or set " + secretVariable)
	case c.Expires <= 0:
		return fmt.Errorf("--expires %v: the token would be good for nothing", c.Expires)
	}
	token, err := secret.Sign(c.User, c.Room, time.Now().Add(c.Expires))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.stdout, token)
	return err
}
