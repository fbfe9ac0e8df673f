//go:build linux || darwin

package runner

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// linked puts a file alone into a folder of the drive and gives its look.
func (h *harness) linked(name, text string) (headers map[string]string) {
	h.t.Helper()
	h.write(name, text, 0o644)
	info, err := os.Stat(h.host(name))
	if err != nil {
		h.t.Fatal(err)
	}
	f := events.File{Size: info.Size(), ModifiedNS: info.ModTime().UnixNano(), Linked: true}
	return map[string]string{events.HeaderFile: f.Look()}
}

// A file that is rewritten is refused before its run was accepted, ends its run
// before the flow began, and is told of when it happens while the flow runs.
func TestInputRewritten(t *testing.T) {
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `cat "$1"/f > "$2"/seen.$SPOOL_RUN_ID; [ -e "$2"/go ] || { touch "$2"/begun; while [ ! -e "$2"/go ]; do sleep 0.01; done; }`)
	r := h.runner(nil)
	url := h.serve(r).URL
	accept := func(key string, headers map[string]string) string {
		t.Helper()
		a := h.ask(url, key, body("flow", `{}`), headers)
		if a.Status != events.OK {
			t.Fatalf("not accepted: %+v", a)
		}
		return a.Data.JobID
	}

	before := h.linked("in/f", "before it was accepted")
	queued := h.linked("in/f", "before it began")
	a := h.ask(url, "refused", body("flow", `{}`), before)
	if a.status != http.StatusOK || a.Status != events.ERROR || !strings.HasPrefix(a.Msg, "superseded (rewritten)") || a.header.Get(events.HeaderVerdict) != string(events.VerdictSuperseded) {
		t.Errorf("a file that was rewritten is answered with %+v", a)
	}
	superseded := accept("superseded", queued)
	running := h.linked("in/f", "while it runs")
	if again := accept("superseded", queued); again != superseded {
		t.Errorf("the same call, after the file was rewritten, names run %s, then %s", superseded, again)
	}
	h.background(r.Run)
	if ended := h.until(events.Ended, superseded); ended.Status != events.ERROR || !strings.HasPrefix(ended.Message, "superseded (rewritten)") || ended.ExitStatus != nil {
		t.Errorf("rewritten before it began: %+v", ended)
	}

	changed := accept("changed", running)
	h.eventually("the flow has begun", func() bool { return h.exists("out/begun") })
	last := h.linked("in/f", "last")
	h.write("out/go", "", 0o644)
	if ended := h.until(events.Ended, changed); ended.Status != events.ERROR || ended.Message != "input changed during the run" || *ended.ExitStatus != 0 {
		t.Errorf("rewritten while it ran: %+v", ended)
	}
	if ended := h.until(events.Ended, accept("last", last)); ended.Status != events.OK {
		t.Errorf("left alone: %+v", ended)
	}
	if h.exists("out/seen."+superseded) || h.read("out/seen."+changed) != "while it runs" {
		t.Error("a flow has read what its run is not about")
	}
}
