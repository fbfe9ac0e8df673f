package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var (
	binary  string // spool, built once
	scratch string // what tests share lies here
)

func TestMain(m *testing.M) { os.Exit(around(m)) }

func around(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "spool-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	binary = filepath.Join(scratch, "spool")
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/spool").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build spool: %v\n%s", err, out)
		return 1
	}
	defer func() {
		for _, stop := range atEnd {
			stop()
		}
	}()
	return m.Run()
}

// atEnd ends what tests shared.
var atEnd []func()

var errNoChromium = errors.New("there is no Chromium: install Debian's package chromium")

// chromium is one browser for all tests; each tab has cookies of its own.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, errNoChromium
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("lang", "en-GB"), chromedp.WindowSize(1440, 900))
	ctx, stopBrowser := chromedp.NewContext(ctx)
	atEnd = append(atEnd, func() { _ = chromedp.Cancel(ctx); stopBrowser(); stop() })
	return ctx, chromedp.Do(ctx)
})

// full leaves out what takes long, or many, unless it is asked for.
func full(t *testing.T) {
	t.Helper()
	if os.Getenv("SPOOL_BROWSER") == "" {
		t.Skip("make test-ui runs it")
	}
}

// tab is one page of the browser, with cookies of its own. It fails its test when a script
// fails in it or the content security policy refuses something.
type tab struct {
	context.Context
	t *testing.T
	w *world

	mu      sync.Mutex
	said    []string // what the browser has complained of
	allowed []string // and what of that the test expects: parts of it
}

// patience is how long one step in the browser may take: far longer than it does.
const patience = 30 * time.Second

// strangerTab opens a tab that is not logged in.
func (w *world) strangerTab(t *testing.T) *tab {
	t.Helper()
	browser, err := chromium()
	if errors.Is(err, errNoChromium) && os.Getenv("CI") == "" { // which installs it
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	p := &tab{Context: ctx, t: t, w: w}
	t.Cleanup(func() {
		if t.Failed() {
			p.keepPicture()
		}
		_ = chromedp.Cancel(ctx)
		stop()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range p.said {
			if !p.expects(s) {
				t.Errorf("the browser complained: %s", s)
			}
		}
	})
	p.do() // the tab is there from now on
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatal(err)
	}
	call(p, cdplog.Enable, cdp.Empty{})
	call(p, network.Enable, network.EnableParams{})
	return p
}

// page opens a tab that is logged in as the administrator.
func (w *world) page(t *testing.T) *tab {
	t.Helper()
	return w.pageAs(t, w.Token)
}

// pageAs opens a tab that is logged in with a token.
func (w *world) pageAs(t *testing.T, token string) *tab {
	t.Helper()
	p := w.strangerTab(t)
	p.logIn(token)
	return p
}

// logIn gives the tab a session, as the form of /login does.
func (p *tab) logIn(token string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.w.URL+"/api/v2/session", strings.NewReader(fmt.Sprintf(`{"token":%q}`, token)))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		p.t.Fatalf("POST /api/v2/session: %s", resp.Status)
	}
	for _, c := range resp.Cookies() {
		call(p, network.SetCookie, network.SetCookieParams{
			Name: c.Name, Value: c.Value, URL: p.w.URL, HTTPOnly: new(true), SameSite: network.CookieSameSiteLax,
		})
	}
}

func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError {
			p.said = append(p.said, fmt.Sprintf("%s (%s)", e.Entry.Text, e.Entry.URL))
		}
	case *cdpruntime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		p.said = append(p.said, text)
	}
}

// expect says that the browser may complain of something: that it has a part in it.
func (p *tab) expect(part string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = append(p.allowed, part)
}

func (p *tab) expects(said string) bool {
	for _, part := range p.allowed {
		if strings.Contains(said, part) {
			return true
		}
	}
	return false
}

// do takes steps in the tab.
func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if len(steps) == 0 { // the first call, whose context the tab lives by
		if err := chromedp.Do(p.Context); err != nil {
			p.t.Fatal(err)
		}
	}
	for i, step := range steps {
		if _, err := get(p, step); err != nil {
			p.t.Fatalf("step %d: %v", i+1, err)
		}
	}
}

// get takes one step, and gives what it finds.
func get[T any](p *tab, step chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.Context, patience)
	defer cancel()
	return chromedp.Run(ctx, step)
}

// must takes one step that has to succeed, and gives what it finds.
func must[T any](p *tab, step chromedp.Action[T]) T {
	p.t.Helper()
	value, err := get(p, step)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

// call sends a command of the protocol that the browser is driven by.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	answer, err := chromedp.Call(p.Context, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer
}

// open goes to a path of the server.
func (p *tab) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.w.URL + path))
}

// text gives what a person reads in the first element of a selector.
func (p *tab) text(selector string) string {
	p.t.Helper()
	for tries := 0; ; tries++ {
		text, err := get(p, chromedp.Text(chromedp.CSS(selector)))
		if err == nil {
			return text
		}
		if tries > 20 || !replaced(err) {
			p.t.Fatal(err)
		}
	}
}

// eval evaluates an expression in the page, and awaits it where it is a promise.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	return must(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits until an expression is true in the page.
func (p *tab) until(what, expression string) {
	p.t.Helper()
	var last error
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(25 * time.Millisecond) {
		is, err := get(p, chromedp.Evaluate[bool]("!!("+expression+")"))
		if last = err; err == nil && is { // with an error the page may be going
			return
		}
	}
	p.t.Fatalf("never: %s (%v); the page reads:\n%s", what, last, tail(p.text("body"), 3000))
}

// click clicks the first element of a selector, as a person does: with the mouse, in its
// middle. An element that the page has replaced meanwhile is looked for again.
func (p *tab) click(selector string) {
	p.t.Helper()
	for tries := 0; ; tries++ {
		_, err := get(p, chromedp.ScrollIntoView(chromedp.CSS(selector)))
		if err == nil {
			_, err = get(p, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
		}
		if err == nil {
			return
		}
		if tries > 20 || !replaced(err) {
			p.t.Fatalf("click %s: %v", selector, err)
		}
	}
}

// replaced reports that a step met an element that had just gone.
func replaced(err error) bool { return strings.Contains(err.Error(), "node with given id") }

// path gives the path and query that the tab shows.
func (p *tab) path() string {
	p.t.Helper()
	return eval[string](p, "location.pathname + location.search")
}

// picture writes what the tab shows into a file.
func (p *tab) picture(file string, whole bool) error {
	step := chromedp.CaptureScreenshot()
	if whole {
		step = chromedp.FullScreenshot(100)
	}
	b, err := get(p, step)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

// keepPicture keeps what the tab showed when its test failed.
func (p *tab) keepPicture() {
	dir := os.Getenv("SPOOL_PICTURES")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err == nil {
		err = p.picture(filepath.Join(dir, strings.ReplaceAll(p.t.Name(), "/", "-")+".png"), true)
		p.t.Logf("picture of %s: %v", p.t.Name(), err)
	}
}
