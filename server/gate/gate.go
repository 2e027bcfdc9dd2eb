package gate

import (
	"net/http"
	"strconv"

	"signalbench/server/engine"
)

// Config says what a [Gate] asks for. The zero value lets everybody in.
type Config struct {
	// Secret, if not nil, makes a token signed with it a condition.
	Secret Secret
	// Conns is how many connections one address may have, 0 for any number.
	Conns int
	// Upgrades bounds the opening handshakes of one address, Messages the messages
	// on all of its connections together. The zero Rate does not.
	Upgrades, Messages Rate
}

// A Gate admits connections. All methods are safe for concurrent use.
type Gate struct {
	cfg     Config
	table   *table // nil if nothing is asked of addresses
	refused refused
}

// New returns a gate, nil if cfg asks for nothing.
func New(cfg Config) *Gate {
	addresses := cfg.Conns > 0 || cfg.Upgrades > 0 || cfg.Messages > 0
	if !addresses && cfg.Secret == nil {
		return nil
	}
	g := &Gate{cfg: cfg}
	if addresses {
		g.table = newTable(&g.cfg)
	}
	return g
}

// Admit decides on an opening handshake. topic, if not empty, is what the
// connection is for, and must be among those that a token allows. The error is an
// [*engine.Refusal] that says what was wrong, and nothing of what would be right.
func (g *Gate) Admit(r *engine.Request, topic string) (*Admission, error) {
	a := &Admission{gate: g}
	if g.table != nil {
		if key, ok := keyOf(r.RemoteAddr); ok {
			a.key = key
			if refusal := g.table.ask(g, key); refusal != nil {
				return nil, refusal
			}
		}
	}
	if g.cfg.Secret == nil {
		return a, nil
	}
	claims, err := g.cfg.Secret.verify(r.RawQuery)
	if err != nil {
		g.refused.tokens.Add(1)
		return nil, &engine.Refusal{Status: http.StatusUnauthorized, Reason: err.Error()}
	}
	a.user, a.rooms = claims.Subject, claims.Rooms
	if topic != "" && !a.MayJoin(topic) {
		g.refused.tokens.Add(1)
		return nil, &engine.Refusal{Status: http.StatusForbidden, Reason: "the token does not allow " + strconv.Quote(topic)}
	}
	return a, nil
}

// Sweep forgets the addresses whose rates have recovered. Without calls of it
// they are forgotten when another address of the same part of the table comes.
func (g *Gate) Sweep() {
	if g != nil && g.table != nil {
		g.table.sweep()
	}
}
