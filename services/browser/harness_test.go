package browser

import (
	"testing"
)

// The harness itself: a server starts, a tab is logged in, a job runs.
func TestHarness(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	p.expect("favicon.ico")
	p.open("/api/v2/me")
	if got := p.text("body"); len(got) == 0 {
		t.Error("the session shows nothing")
	}
	if got := w.ended(t, w.run(t, w.job(t, "harness", "0 0 1 1 *", "echo hello", nil))); got != "ok" {
		t.Errorf("the outcome is %s", got)
	}
}
