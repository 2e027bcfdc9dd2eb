package gate

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"signalbench/server/engine"
)

var secret = Secret("0123456789abcdef0123456789abcdef")

// signed returns a token of any claims, signed by any method.
func signed(t *testing.T, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokens(t *testing.T) {
	t.Parallel()
	in, ago := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	hs := func(c jwt.MapClaims) string { return signed(t, jwt.SigningMethodHS256, []byte(secret), c) }
	good := hs(jwt.MapClaims{"sub": "ada", "exp": in})
	part := strings.Split(good, ".")
	forged := part[0] + "." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":"eve","exp":%d}`, in)) + "." + part[2]
	for _, tc := range []struct {
		name, query, topic string
		status             int
		reason             string // empty: let in
		user               string
	}{
		{name: "good", query: "vsn=2.0.0&token=" + good, user: "ada"},
		{name: "missing", query: "vsn=2.0.0", status: 401, reason: "token is missing"},
		{name: "empty", query: "token=", status: 401, reason: "token is missing"},
		{name: "two", query: "token=" + good + "&token=" + good, status: 401, reason: "more than one token"},
		{name: "query", query: "token=%zz", status: 401, reason: "query cannot be read"},
		{name: "no JWT", query: "token=hello", status: 401, reason: "no JSON Web Token"},
		{name: "forged", query: "token=" + forged, status: 401, reason: "not signed with this server's secret"},
		{name: "cut", query: "token=" + good[:len(good)-4], status: 401, reason: "not signed with this server's secret"},
		{name: "another's secret", query: "token=" + signed(t, jwt.SigningMethodHS256, []byte("another secret"), jwt.MapClaims{"sub": "ada", "exp": in}),
			status: 401, reason: "not signed with this server's secret"},
		{name: "unsigned", query: "token=" + signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"sub": "ada", "exp": in}),
			status: 401, reason: "by HS256"},
		{name: "HS512", query: "token=" + signed(t, jwt.SigningMethodHS512, []byte(secret), jwt.MapClaims{"sub": "ada", "exp": in}),
			status: 401, reason: "by HS256"},
		{name: "expired", query: "token=" + hs(jwt.MapClaims{"sub": "ada", "exp": ago}), status: 401, reason: "expired"},
		{name: "not yet", query: "token=" + hs(jwt.MapClaims{"sub": "ada", "exp": in, "nbf": in}), status: 401, reason: "not valid yet"},
		{name: "endless", query: "token=" + hs(jwt.MapClaims{"sub": "ada"}), status: 401, reason: "no end (exp)"},
		{name: "nobody", query: "token=" + hs(jwt.MapClaims{"exp": in}), status: 401, reason: "names no user"},
		{name: "rooms no list", query: "token=" + hs(jwt.MapClaims{"sub": "ada", "exp": in, "rooms": "room:a"}), status: 401, reason: "no JSON Web Token"},
		{name: "pattern", query: "token=" + hs(jwt.MapClaims{"sub": "ada", "exp": in, "rooms": []string{"room:*a"}}), status: 401, reason: "a * stands at the end only"},
		{name: "allowed", query: "token=" + hs(jwt.MapClaims{"sub": "ada", "exp": in, "rooms": []string{"channel:*"}}), topic: "channel:7", user: "ada"},
		{name: "not allowed", query: "token=" + hs(jwt.MapClaims{"sub": "ada", "exp": in, "rooms": []string{"room:*"}}), topic: "channel:7",
			status: 403, reason: `does not allow "channel:7"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := New(Config{Secret: secret})
			a, err := g.Admit(&engine.Request{RawQuery: tc.query}, tc.topic)
			if tc.reason == "" {
				if err != nil || a.User() != tc.user {
					t.Errorf("got %q, %v, want %q", a.User(), err, tc.user)
				}
				return
			}
			refusal, ok := errors.AsType[*engine.Refusal](err)
			if !ok || refusal.Status != tc.status || !strings.Contains(refusal.Reason, tc.reason) {
				t.Fatalf("got %v, want %d %s", err, tc.status, tc.reason)
			}
			if n := g.Stats().Tokens; n != 1 {
				t.Errorf("%d refusals counted", n)
			}
			if strings.Contains(refusal.Reason, string(secret)) || strings.Contains(refusal.Reason, part[2]) {
				t.Errorf("the reason tells too much: %s", refusal.Reason)
			}
		})
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	token, err := secret.Sign("ada", []string{"room:a", "room:b-*"}, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Secret: secret}).Admit(&engine.Request{RawQuery: url.Values{"token": {token}}.Encode()}, "")
	if err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]bool{"room:a": true, "room:ab": false, "room:b-": true, "room:b-7": true, "room:*": false, "": false} {
		if a.MayJoin(topic) != want {
			t.Errorf("MayJoin(%q) is not %t", topic, want)
		}
	}
	for _, bad := range []struct {
		user     string
		patterns []string
	}{{"", nil}, {"ada", []string{""}}, {"ada", []string{"*:a"}}} {
		if token, err := secret.Sign(bad.user, bad.patterns, time.Now()); err == nil {
			t.Errorf("%+v: signed %s", bad, token)
		}
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	s, err := ParseSecret([]byte(" " + string(secret) + "\n"))
	if err != nil || string(s) != string(secret) {
		t.Errorf("got %d bytes, %v", len(s), err)
	}
	if _, err := ParseSecret([]byte("short\n")); err == nil || strings.Contains(err.Error(), "short\n") {
		t.Errorf("error %v", err)
	}
	for _, verb := range []string{"%v", "%s", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, s); strings.Contains(text, "0123") {
			t.Errorf("%s shows %s", verb, text)
		}
	}
}

// What was let in without a gate may do everything.
func TestNil(t *testing.T) {
	t.Parallel()
	if g := New(Config{}); g != nil {
		t.Error("a gate that asks for nothing")
	}
	var a *Admission
	if a.User() != "" || !a.MayJoin("room:a") || !a.Allow() {
		t.Error("nil admission refuses")
	}
	var g *Gate
	g.Sweep()
	if g.Stats() != (Stats{}) {
		t.Error("nil gate has counted")
	}
}
