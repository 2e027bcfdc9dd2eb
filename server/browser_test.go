//go:build browser

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// startBrowser starts Chromium without a window. It resolves no names. Its peers
// connect to one another by the address that this machine's default route has,
// which stays on the machine; without such a route Chromium finds no candidates, so
// the loopback interface alone is not enough.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // in a container there are no user namespaces to make one of
		chromedp.DisableGPU,
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-features", "WebRtcHideLocalIpsWithMdns"),
		chromedp.Flag("force-prefers-reduced-motion", true),
		chromedp.WindowSize(1100, 720),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return ctx
}

// A tab is one page of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// openTab opens a page.
func openTab(t *testing.T, browser context.Context, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // a tab lives as long as the context of its first action
		t.Fatalf("opening a tab: %v", err)
	}
	p := &tab{t, ctx}
	p.do(chromedp.Navigate(url))
	return p
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		page, _ := chromedp.Run(p.ctx, chromedp.Text("body"))
		p.t.Fatalf("%v; the page says\n%s", err, page)
	}
}

// until waits for an expression of JavaScript to be true.
func (p *tab) until(expression string) {
	p.t.Helper()
	p.do(chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(20*time.Millisecond)))
}

// hears waits for a message that came over a data channel.
func (p *tab) hears(text string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`[...document.querySelectorAll(".theirs .text")].some((m) => m.textContent === %q)`, text))
}

// shot keeps a picture of the page among the results of scripts/test.sh.
func (p *tab) shot(name string) {
	p.t.Helper()
	dir := os.Getenv("SIGNALBENCH_OUT")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatalf("taking a picture: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// Two people open the demo in the same room, and each reads what the other wrote.
func TestDemo(t *testing.T) {
	browser := startBrowser(t)
	for _, engine := range []string{"gobwas", "netpoll", "gorilla"} {
		t.Run(engine, func(t *testing.T) {
			p := startProcess(t, nil, "--engine", engine, "--listen", "127.0.0.1:0", "--demo", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--quiet")
			ada, grace := openTab(t, browser, p.Demo+"?room=lobby&name=Ada"), openTab(t, browser, p.Demo+"?room=lobby&name=Grace")
			ada.do(chromedp.Click("#entry button"))
			ada.until(`document.body.dataset.state === "joined"`)
			grace.do(chromedp.Click("#entry button"))
			for _, p := range []*tab{ada, grace} {
				p.until(`document.body.dataset.connected === "1"`)
			}
			say := func(who *tab, text string) {
				who.do(chromedp.SendKeys("#text", text+"\r"))
			}
			say(ada, "Can you hear me?")
			grace.hears("Can you hear me?")
			say(grace, "Yes, without the server")
			ada.hears("Yes, without the server")
			if s := p.shardStats(t).Service.Rooms; s.Members != 2 || s.Relayed < 3 {
				t.Errorf("rooms %+v", s)
			}
			if engine == "gobwas" {
				ada.shot("demo.png")
				grace.do(chromedp.EmulateViewport(390, 780))
				grace.shot("demo.phone.png")
			}
			grace.do(chromedp.Click("#leave"))
			ada.until(`document.body.dataset.connected === "0" && document.querySelectorAll("#presence li").length === 1`)
		})
	}
}

// What goes wrong is on the page, and a server that comes back is found again.
func TestDemoTellsWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(strings.Repeat("s", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(t)
	p := startProcess(t, nil, "--engine", "gobwas", "--listen", "127.0.0.1:0", "--demo", "127.0.0.1:0", "--token-secret-file", file, "--quiet")
	without := openTab(t, browser, p.Demo+"?auto=1")
	without.until(`!document.getElementById("problem").hidden`)
	without.until(`document.getElementById("problem").textContent.includes("is the token good")`)

	var token strings.Builder
	if err := run(t.Context(), []string{"token", "--secret-file", file, "--user", "ada", "--room", "room:lobby"}, &token, os.Stderr); err != nil {
		t.Fatal(err)
	}
	with := openTab(t, browser, p.Demo+"?auto=1&token="+strings.TrimSpace(token.String()))
	with.until(`document.querySelector("#presence .who")?.textContent === "ada"`)
	elsewhere := openTab(t, browser, p.Demo+"?auto=1&room=cellar&token="+strings.TrimSpace(token.String()))
	elsewhere.until(`document.getElementById("problem").textContent.includes("unauthorized")`)
}

// What the README shows as all of a browser's side is that, as it stands there.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```js\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the README has no example")
	}
	browser := startBrowser(t)
	p := startProcess(t, nil, "--engine", "gobwas", "--listen", "127.0.0.1:0", "--demo", "127.0.0.1:0", "--quiet")
	here := strings.Replace(example, "127.0.0.1:8080", p.Listen[0], 1)
	if here == example {
		t.Fatal("the example does not connect to 127.0.0.1:8080")
	}
	const listen = `var printed = []; console.log = (text) => printed.push(text);`
	first, second := openTab(t, browser, p.Demo), openTab(t, browser, p.Demo)
	for _, p := range []*tab{first, second} {
		p.do(chromedp.Evaluate[chromedp.Void](listen), chromedp.Evaluate[chromedp.Void](here+";0"))
		p.until(`ws.id !== undefined`)
	}
	for _, p := range []*tab{first, second} {
		p.until(`printed.includes("hello")`)
	}
}
