package scenario

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbench/results"
)

const good = `name: chats
title: Chats
sources:
  blog:
    title: A blog
    where: https://example.org
connections: 1_000_000
default: 50_000
load:
  workloads: [hold, push]
  path: /channel/{i}
  payload: 1KiB
  ramp: 1000/s
  each: 12m17s
  heartbeat: 300s
  window: 30s
  protocol: channel
arms:
  - name: netpoll
    engine: netpoll
    flags:
      read-timeout: 0
  - name: plain
    tcp: epoll
figures:
  - name: memory
    text: 10 KB
    value: 10 KB
    mark: primary
    source: blog
    quantity: server.rss.conn
    arm: netpoll
  - name: latency
    text: not published
    mark: not found
    source: blog
    note: nobody measured it
`

func TestParse(t *testing.T) {
	got, err := Parse("good.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := &Scenario{
		File: "good.yaml", Name: "chats", Title: "Chats",
		Sources:     []results.Source{{Key: "blog", Title: "A blog", Where: "https://example.org"}},
		Connections: 1e6, Default: 50_000,
		Load: Load{
			Workloads: []string{"hold", "push"}, Path: "/channel/{i}", Protocol: Channels, Payload: 1024, Ramp: "1000/s", Each: 737 * time.Second,
			Heartbeat: 5 * time.Minute, Window: 30 * time.Second,
		},
		Arms: []Arm{
			{Name: "netpoll", Engine: "netpoll", Flags: []Flag{{"read-timeout", "0"}}},
			{Name: "plain", TCP: "epoll"},
		},
		Figures: []results.PublishedFigure{
			{Name: "memory", Text: "10 KB", Value: 10_000, Mark: results.Primary, Source: "blog", Quantity: "server.rss.conn", Arm: "netpoll"},
			{Name: "latency", Text: "not published", Mark: results.NotFound, Source: "blog", Note: "nobody measured it"},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Each edit of the good file is one mistake, and the only one that is reported.
func TestMistakes(t *testing.T) {
	for _, tc := range []struct{ name, old, new, at, want string }{
		{"unknown field", "title: Chats", "title: Chats\ncolour: red", "3:1", `no field "colour": there are name,`},
		{"misspelt field", "connections:", "conections:", "7:1", `did you mean "connections"?`},
		{"misspelt field of load", "  window:", "  windw:", "16:3", `did you mean "window"?`},
		{"misspelt field of arm", "    engine: netpoll", "    engine: netpoll\n    flag: {a: b}", "21:5", `did you mean "flags"?`},
		{"misspelt field of figure", "    note: nobody", "    nota: nobody", "37:5", `did you mean "note"?`},
		{"misspelt field of source", "    title: A blog", "    title: A blog\n    dat: now", "6:5", `did you mean "date"?`},
		{"name is a number", "name: chats", "name: 7", "1:1", "name is a number, and should be text"},
		{"name is no folder", "name: chats", "name: ../chats", "1:1", "no name for a folder"},
		{"empty title", "title: Chats", `title: ""`, "2:1", "title is empty"},
		{"null title", "title: Chats", "title:", "2:1", "title is nothing, and should be text"},
		{"no name", "name: chats\n", "", "1:1", "scenario has no name"},
		{"no title", "title: Chats\n", "", "1:1", "scenario has no title"},
		{"no connections", "connections: 1_000_000\n", "", "1:1", "scenario has no connections"},
		{"no default", "default: 50_000\n", "", "1:1", "scenario has no default"},
		{"connections are text", "1_000_000", "many", "7:1", "connections is text, and should be a whole number"},
		{"connections are negative", "1_000_000", "-1", "7:1", "connections -1 is negative"},
		{"connections are none", "1_000_000", "0", "7:1", "connections 0 is less than 1"},
		{"connections are too many", "1_000_000", "1_000_000_000_000", "7:1", "not a whole number below"},
		{"connections are a fraction", "1_000_000", "1.5", "7:1", "connections is a number, and should be a whole number"},
		{"default above published", "default: 50_000", "default: 2_000_000", "8:1", "more than the 1000000 connections that were published"},
		{"load is a list", "\n  workloads: [hold, push]\n  path: /channel/{i}\n  payload: 1KiB\n  ramp: 1000/s\n  each: 12m17s\n  heartbeat: 300s\n  window: 30s\n  protocol: channel", " [hold]", "9:7", "load is a list, and should be a block of fields"},
		{"no workloads", "  workloads: [hold, push]\n", "", "10:3", "load has no workloads"},
		{"workloads are text", "[hold, push]", "hold", "10:3", "workloads is text, and should be a list"},
		{"workloads are none", "[hold, push]\n", "[]\n", "10:3", "workloads is an empty list"},
		{"unknown workload", "[hold, push]", "[hold, pushes]", "10:3", `unknown workload "pushes": did you mean "push"?`},
		{"workload twice", "[hold, push]", "[hold, push, hold]", "10:3", "workload hold is named twice"},
		{"path with another placeholder", "/channel/{i}", "/channel/{n}", "11:3", "where {i} is the number"},
		{"path without slash", "/channel/{i}", "channel", "11:3", "is not like /echo"},
		{"size without unit", "1KiB", "1024", "12:3", "has no unit"},
		{"bad size", "1KiB", "1XiB", "12:3", "unknown unit; there are B, kB"},
		{"negative size", "1KiB", "-1KiB", "12:3", "is negative"},
		{"bad ramp", "ramp: 1000/s", "ramp: fast", "13:3", "is no number with a unit"},
		{"ramp without unit", "ramp: 1000/s", "ramp: 1000", "13:3", "has no unit"},
		{"bad duration", "12m17s", "12 minutes", "14:3", "not a time like 300s"},
		{"duration without unit", "300s", "300", "15:3", "not a time like 300s"},
		{"negative duration", "300s", "-300s", "15:3", "is negative"},
		{"no interval", "12m17s", "0s", "14:3", "\"0s\" is not above zero"},
		{"no window", "window: 30s", "window: 0s", "16:3", "\"0s\" is not above zero"},
		{"rate and each", "  each:", "  rate: 5/s\n  each:", "15:3", "both rate and each"},
		{"bad rate", "  each: 12m17s", "  rate: 5/h", "14:3", "unknown unit; there are /s, /m"},
		{"no rate", "  each: 12m17s\n", "", "10:3", "workload push has no rate"},
		{"unknown protocol", "protocol: channel", "protocol: phenix", "17:3", `unknown protocol "phenix": did you mean "phoenix"?`},
		{"unknown version", "  workloads: [hold, push]\n  path: /channel/{i}\n  payload: 1KiB\n  ramp: 1000/s\n  each: 12m17s\n  heartbeat: 300s\n  window: 30s\n  protocol: channel", "  workloads: [hold]\n  protocol: phoenix\n  version: 3.0.0", "12:3", `unknown version "3.0.0"`},
		{"topic without rooms", "  window:", "  topic: room:a\n  window:", "16:3", "topic says something about rooms: it needs protocol: phoenix"},
		{"broadcast without rooms", "  workloads: [hold, push]\n  path: /channel/{i}\n  payload: 1KiB\n  ramp: 1000/s\n  each: 12m17s\n  heartbeat: 300s\n  window: 30s\n  protocol: channel", "  workloads: [broadcast]\n  each: 5s", "10:3", "workload broadcast is about rooms: it needs protocol: phoenix"},
		{"push without channels", "  protocol: channel\n", "", "10:3", "workload push publishes to a channel: it needs protocol: channel"},
		{"push without path", "  path: /channel/{i}\n", "", "10:3", "workload push publishes to a channel"},
		{"echo with channels", "[hold, push]", "[hold, push, echo]", "10:3", "workload echo with protocol channel: what a subscriber sends is not answered"},
		{"storm without storm", "  window:", "  storm: reset\n  window:", "16:3", "storm is for storm, which is not among"},
		{"heartbeat without hold", "[hold, push]", "[push]", "15:3", "heartbeat is for hold"},
		{"unknown storm", "[hold, push]", "[hold, push, storm]\n  storm: rest", "11:3", `unknown storm "rest": did you mean "reset"?`},
		{"bad backoff", "[hold, push]", "[hold, push, storm]\n  backoffs: [none, 10s..1s]", "11:3", "neither none nor two rising times"},
		{"arms are text", "arms:\n  - name: netpoll\n    engine: netpoll\n    flags:\n      read-timeout: 0\n  - name: plain\n    tcp: epoll\n", "arms: all\n", "18:1", "arms is text, and should be a list"},
		{"arm is text", "  - name: plain\n    tcp: epoll\n", "  - plain\n", "23:5", "arm is text, and should be a block"},
		{"arm without server", "    tcp: epoll\n", "", "23:5", "names 0 servers"},
		{"arm with two servers", "    tcp: epoll\n", "    tcp: epoll\n    peer: cowboy\n", "23:5", "names 2 servers"},
		{"arm without name", "  - name: plain\n    tcp: epoll\n", "  - tcp: epoll\n", "23:5", "arm has no name"},
		{"arm that is no folder", "name: plain", "name: a/b", "23:5", "no name for a folder"},
		{"arms of one name", "name: plain", "name: netpoll", "23:5", `a second arm has the name "netpoll"`},
		{"flags of a peer", "    tcp: epoll", "    peer: cowboy\n    flags: {a: b}", "25:5", "cowboy is a peer"},
		{"flag that is taken", "read-timeout: 0", "listen: 1.2.3.4:5", "22:7", "--listen is set by the comparison itself"},
		{"flag that is none", "read-timeout: 0", "--read-timeout: 0", "22:7", "no name of a flag"},
		{"flag with a list", "read-timeout: 0", "read-timeout: [0]", "22:7", "should be one value"},
		{"flag with a wrong placeholder", "read-timeout: 0", `conns: "{conns/0}"`, "22:7", "write {conns}"},
		{"no figures", good[strings.Index(good, "figures:"):], "", "1:1", "scenario has no figures"},
		{"figure without mark", "    mark: primary\n", "", "26:5", "figure has no mark"},
		{"figure with unknown source", "    source: blog\n    quantity", "    source: blg\n    quantity", "30:5", `did you mean "blog"?`},
		{"figure without source", "    source: blog\n    quantity", "    quantity", "26:5", "figure has no source"},
		{"figure without text", "    text: 10 KB\n", "", "26:5", "figure has no text"},
		{"unknown mark", "mark: primary", "mark: secundary", "29:5", `did you mean "secondary"?`},
		{"bad value", "value: 10 KB", "value: ten", "28:5", "is no number with a unit"},
		{"unknown unit", "value: 10 KB", "value: 10 knots", "28:5", "is no number with a unit"},
		{"negative value", "value: 10 KB", "value: -10 KB", "28:5", "is negative"},
		{"value is not a number", "value: 10 KB", "value: .nan", "28:5", "value is a number, and should be a number with its unit"},
		{"quantity without value", "    value: 10 KB\n", "", "30:5", "has no value"},
		{"impossible quantity", "server.rss.conn", "RSS per connection", "31:5", "is no quantity such as"},
		{"neither quantity nor note", "    note: nobody measured it\n", "    scales: true\n", "33:5", "neither a quantity"},
		{"value that was not found", "    note: nobody", "    value: 5ms\n    note: nobody", "37:5", "not found has a value"},
		{"number that was not found", "text: not published", "text: about 5 ms", "34:5", "not found has a number in its text"},
		{"figures of one name", "name: latency", "name: memory\n    arm: netpoll", "33:5", `a second figure has the name "memory"`},
		{"figure of no arm", "    arm: netpoll", "    arm: gobwas", "32:5", `no arm has the name "gobwas"`},
		{"scales is text", "    arm: netpoll", "    arm: netpoll\n    scales: very", "33:5", "scales is text, and should be true or false"},
		{"source key is no name", "  blog:", "  The Blog: {title: a, where: b}\n  blog:", "4:3", "source key \"The Blog\""},
		{"sources are a list", "sources:\n  blog:\n    title: A blog\n    where: https://example.org\n", "sources: [blog]\n", "3:1", "sources is a list"},
		{"field twice", "default: 50_000", "default: 50_000\ntitle: Again", "9:1", "already defined"},
		{"not YAML", "title: Chats", "title: [Chats", "3:1", "not YAML: "},
		{"alias", "title: Chats", "title: *chats", "2:1", "title is an anchor or alias"},
		{"two documents", "figures:", "---\nfigures:", "26:1", "a second document"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if strings.Count(good, tc.old) == 0 {
				t.Fatalf("%q is not in the good file", tc.old)
			}
			_, err := Parse("bad.yaml", []byte(strings.Replace(good, tc.old, tc.new, 1)))
			var all Mistakes
			if !errors.As(err, &all) {
				t.Fatalf("error is %v", err)
			}
			if len(all) != 1 || !strings.HasPrefix(err.Error(), "bad.yaml:"+tc.at+": ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got\n%v\nwant bad.yaml:%s: ...%s", err, tc.at, tc.want)
			}
		})
	}
}

// Whole files that are none.
func TestNoScenario(t *testing.T) {
	for _, tc := range []struct{ name, data, want string }{
		{"empty", "", "1:1: the file says nothing"},
		{"only a comment", "# later\n", "1:1: the file says nothing"},
		{"a list", "- name: chats\n", "1:1: scenario is a list"},
		{"text", "chats\n", "1:1: scenario is text"},
		{"a tab", "name: chats\nload:\n\tworkloads: [hold]\n", "3:1: not YAML: "},
		{"too deep", "name: " + strings.Repeat("[", 1000), "1:23: more than 16 brackets"},
		{"too large", strings.Repeat("#", largest+1), "1:1: the file is larger than 64 KiB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Parse("bad.yaml", []byte(tc.data)); err == nil || !strings.HasPrefix(err.Error(), "bad.yaml:"+tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v\nwant bad.yaml:%s", err, tc.want)
			}
		})
	}
}

// A file with several mistakes tells all of them, line by line.
func TestAllMistakesAtOnce(t *testing.T) {
	bad := strings.NewReplacer("title: Chats", "titel: Chats", "1KiB", "1 kilo", "hold, push", "hold, pull", "tcp: epoll", "tpc: epoll", "mark: primary", "mark: P").Replace(good)
	_, err := Parse("bad.yaml", []byte(bad))
	want := `bad.yaml:2:1: scenario has no field "titel": did you mean "title"?
bad.yaml:10:3: unknown workload "pull": did you mean "push"?
bad.yaml:12:3: payload: size "1 kilo" has an unknown unit; there are B, kB, KB, MB, GB, KiB, MiB, GiB
bad.yaml:24:5: arm has no field "tpc": did you mean "tcp"?
bad.yaml:29:5: unknown mark "P": there are primary, secondary, code, derived, not found`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestOwn(t *testing.T) {
	if _, err := Open("testdata/own.yaml"); err != nil {
		t.Error(err)
	}
	if _, err := Open("testdata/none.yaml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
