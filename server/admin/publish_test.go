package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"signalbench/server/admin"
	"signalbench/server/channel"
	"signalbench/server/engine"
	"signalbench/server/gate"
	"signalbench/server/hub"
	"signalbench/server/service"
)

// A fakeService has counted, and remembers what it published last.
type fakeService struct {
	last string
	fail error
}

func (*fakeService) Stats() service.Stats {
	return service.Stats{
		Rooms:    hub.Stats{Rooms: 1, Refused: map[string]uint64{"room is full": 2}},
		Channels: channel.Stats{Subscribers: 3},
		Gate:     gate.Stats{Tokens: 4},
	}
}

func (s *fakeService) Publish(_ context.Context, channel string, op engine.Opcode, p []byte) (int, error) {
	s.last = fmt.Sprintf("%d %q to channel %q", op, p, channel)
	return 7, s.fail
}

func (s *fakeService) Broadcast(_ context.Context, room, event string, p []byte) (int, error) {
	s.last = fmt.Sprintf("%s %q to room %q", p, event, room)
	return 8, s.fail
}

func TestPublishing(t *testing.T) {
	const binary = "application/octet-stream"
	for _, tc := range []struct {
		name, path, kind, body string
		fail                   error
		status                 int
		answer, published      string
	}{
		{name: "text", path: "/publish/news", body: "hello", status: 200, answer: `{"receivers":7}`, published: `1 "hello" to channel "news"`},
		{name: "name", path: "/publish/a/b%2Fc%20d", body: "", status: 200, answer: `{"receivers":7}`, published: `1 "" to channel "a/b/c d"`},
		{name: "binary", path: "/publish/news", kind: binary, body: "\xff", status: 200, answer: `{"receivers":7}`, published: `2 "\xff" to channel "news"`},
		{name: "no text", path: "/publish/news", body: "\xff", status: 400, answer: "not UTF-8"},
		{name: "event", path: "/broadcast/lobby/news", body: `{"a":1}`, status: 200, answer: `{"receivers":8}`, published: `{"a":1} "news" to room "lobby"`},
		{name: "no JSON", path: "/broadcast/lobby/news", body: `{"a"`, status: 400, answer: "not JSON"},
		{name: "busy", path: "/broadcast/lobby/news", body: `1`, fail: fmt.Errorf("x: %w", hub.ErrBusy), status: 503, answer: "room is busy", published: `1 "news" to room "lobby"`},
		{name: "reserved", path: "/broadcast/lobby/phx_join", body: `1`, fail: errors.New("reserved"), status: 400, answer: "reserved", published: `1 "phx_join" to room "lobby"`},
		{name: "status", path: "/publish/news", fail: &admin.StatusError{Status: 502, Reason: "no"}, status: 502, answer: "no", published: `1 "" to channel "news"`},
		{name: "too large", path: "/publish/news", body: strings.Repeat("x", 16<<20+1), status: 413, answer: "too large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := source()
			fake := s.Service.(*fakeService)
			fake.fail = tc.fail
			req, err := http.NewRequestWithContext(t.Context(), "POST", start(t, s)+tc.path, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", tc.kind)
			resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			answer, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tc.status || !strings.Contains(string(answer), tc.answer) {
				t.Errorf("answer %d %s, %v, want %d %s", resp.StatusCode, answer, err, tc.status, tc.answer)
			}
			if fake.last != tc.published {
				t.Errorf("published %s, want %s", fake.last, tc.published)
			}
		})
	}
}

// What a page from elsewhere has a browser send does nothing.
func TestPagesFromElsewhereChangeNothing(t *testing.T) {
	for _, path := range []string{"/publish/news", "/broadcast/lobby/news", "/settle"} {
		s := source()
		req, err := http.NewRequestWithContext(t.Context(), "POST", start(t, s)+path, strings.NewReader("1"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://elsewhere.test")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if last := s.Service.(*fakeService).last; resp.StatusCode != http.StatusForbidden || last != "" {
			t.Errorf("%s: answer %d, published %q", path, resp.StatusCode, last)
		}
	}
}
