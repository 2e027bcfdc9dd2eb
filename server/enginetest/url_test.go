package enginetest

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"signalbench/server/engine"
)

var urlFlag = flag.String("url", "", "run the kit against the echo server at this `URL` instead of one made of the plain gorilla library")

// TestURL runs the kit against a URL as `server conform` does.
func TestURL(t *testing.T) {
	target, known := Target{URL: *urlFlag}, []engine.KnownFailure(nil)
	if *urlFlag == "" {
		target, known = plainGorilla(t), plainGorillaFails()
	}
	report, err := Run(t.Context(), target, Options{Known: known, Parallel: 16})
	if err != nil {
		t.Fatal(err)
	}
	if *urlFlag != "" || testing.Verbose() {
		if err := report.WriteText(os.Stderr); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range report.Results {
		t.Run(r.Name, func(t *testing.T) { r.tell(t, true) })
	}
}

// plainGorillaFails is what that server cannot know or does not do: an engine
// built on the library has to add it.
func plainGorillaFails() []engine.KnownFailure {
	var known []engine.KnownFailure
	add := func(why, pattern string) {
		for _, c := range Cases() {
			if regexp.MustCompile(pattern).MatchString(c.Name) {
				known = append(known, engine.KnownFailure{Case: c.Name, Why: why})
			}
		}
	}
	add("the library closes a connection whose client did not wait for the 101", "^handshake/glued")
	add("the library answers every bad handshake with 400", "^handshake/wrong-version$")
	add("the library does not ask for HTTP/1.1", "^handshake/http-1.0$")
	add("the library takes the first of several keys", "^handshake/two-keys$")
	add("text is not validated", "^utf8/(invalid|overlong|cut-short|code-point-not)")
	add("no limit is set, so announced bytes are waited for", "^limit/(terabyte-announced|most-announced|sum-overflows)$")
	add("the library ends the connection without a close frame", "^frame/length-with-highest-bit$")
	return known
}

// plainGorilla is the echo server of the gorilla library's documentation.
func plainGorilla(t *testing.T) Target {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		var up websocket.Upgrader
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, p, err := c.ReadMessage()
			if err != nil || c.WriteMessage(kind, p) != nil {
				return
			}
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return Target{URL: "ws" + strings.TrimPrefix(s.URL, "http") + "/echo", ChecksOrigin: true}
}
