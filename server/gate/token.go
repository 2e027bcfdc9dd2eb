package gate

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// secretBytes is the least length of a secret: that of the hash (RFC 7518
// section 3.2).
const secretBytes = 32

// A Secret signs tokens, JSON Web Tokens with HMAC and SHA-256 (RFC 7519, RFC
// 7518 section 3.2). It does not show itself in logs.
type Secret []byte

// ParseSecret takes white space off both ends, as an editor leaves it there, and
// refuses a secret that is too short. text stays the caller's.
func ParseSecret(text []byte) (Secret, error) {
	s := bytes.Clone(bytes.TrimSpace(text))
	if len(s) < secretBytes {
		return nil, fmt.Errorf("a secret of %d bytes is too short: want %d or more, as from head -c 32 /dev/urandom | base64", len(s), secretBytes)
	}
	return s, nil
}

// String hides the secret.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret.
func (Secret) GoString() string { return "(secret)" }

// claims are what a token says.
type claims struct {
	// Rooms are patterns of the topics that may be joined; none allows all.
	Rooms []string `json:"rooms,omitempty"`
	jwt.RegisteredClaims
}

// Sign returns a token that lets user join what matches one of the patterns, all
// if there is none, until expires.
func (s Secret) Sign(user string, patterns []string, expires time.Time) (string, error) {
	if user == "" {
		return "", errors.New("signing a token: it names no user")
	}
	for _, p := range patterns {
		if err := checkPattern(p); err != nil {
			return "", fmt.Errorf("signing a token: %w", err)
		}
	}
	c := claims{Rooms: patterns, RegisteredClaims: jwt.RegisteredClaims{Subject: user, ExpiresAt: jwt.NewNumericDate(expires)}}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(s))
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return token, nil
}

// parser knows one algorithm, so that a token cannot choose another (RFC 8725
// section 3.1), and no token without an end.
var parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired())

// verify finds the token in a query and returns what it says. The error is for
// whoever sent it.
func (s Secret) verify(rawQuery string) (*claims, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, errors.New("the query cannot be read")
	}
	tokens := query["token"]
	switch {
	case len(tokens) == 0 || tokens[0] == "":
		return nil, errors.New("token is missing: the query is to have it as token=JWT")
	case len(tokens) > 1:
		return nil, errors.New("there is more than one token")
	}
	c := new(claims)
	_, err = parser.ParseWithClaims(tokens[0], c, func(*jwt.Token) (any, error) { return []byte(s), nil })
	switch {
	case err != nil:
		return nil, errors.New(fault(err))
	case c.Subject == "":
		return nil, errors.New("token names no user (sub)")
	}
	for _, p := range c.Rooms {
		if err := checkPattern(p); err != nil {
			return nil, fmt.Errorf("token is not usable: %w", err)
		}
	}
	return c, nil
}

// fault says in our words what the library found. Of a token whose signature is
// not ours nothing else is told.
func fault(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return "token is no JSON Web Token"
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return "token is not signed with this server's secret by HS256"
	case errors.Is(err, jwt.ErrTokenExpired):
		return "token has expired"
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return "token is not valid yet"
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return "token has no end (exp)"
	}
	return "token is not valid"
}
