package browser

import (
	"flag"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var (
	lookAt    = flag.String("look", "", "URL of a running server, with /login already answered by -look-token; writes -look-to")
	lookPath  = flag.String("look-path", "/", "page to look at")
	lookToken = flag.String("look-token", "", "token to log in with")
	lookTo    = flag.String("look-to", "look.png", "file that the picture is written to")
	lookWidth = flag.Int64("look-width", 1440, "width of the window in px")
	lookDark  = flag.Bool("look-dark", false, "ask for the dark colours")
)

// TestLook takes a picture of a page of a running server, for who works on it.
func TestLook(t *testing.T) {
	if *lookAt == "" {
		t.Skip("-look URL takes a picture")
	}
	w := &world{URL: *lookAt, Token: *lookToken}
	p := w.strangerTab(t)
	if *lookToken != "" {
		p.logIn(*lookToken)
	}
	p.wear(*lookWidth, *lookDark)
	p.open(*lookPath)
	if err := p.picture(*lookTo, true); err != nil {
		t.Fatal(err)
	}
}

// wear sets the width of the window, and light or dark colours.
func (p *tab) wear(width int64, dark bool) {
	p.t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	p.do(chromedp.EmulateViewport(width, 900))
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}
