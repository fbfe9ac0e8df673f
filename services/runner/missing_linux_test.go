package runner

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/record"
)

// What flows go without is said in the run.
func TestMissingIsSaid(t *testing.T) {
	t.Parallel()
	if canSandbox() != nil {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN: nothing is closed here\n", t.Name())
		return
	}
	for _, c := range []struct {
		hidden hidden
		want   string
	}{{hidden{mounts: true}, "tmp shm proc"}, {hidden{}, ""}} {
		h := newHarness(t, eventstest.Options{})
		h.flow("flow", "true")
		r := h.shut(func(cfg *Config) { cfg.hidden = c.hidden })
		if c.want == "" && !r.room.Form.View {
			continue
		}
		h.background(r.Run)
		id := h.accept(h.serve(r).URL, "k", "flow", `{}`)
		h.until(events.Ended, id)
		printed, _ := os.ReadFile(record.Dir(h.data, id) + "/run.log")
		if got := strings.Join(h.until(events.Started, id).Unmet, " "); !strings.HasSuffix(got, c.want) || c.want == "" && strings.Contains(got, "shm") {
			t.Errorf("%+v: unmet is %q", c.hidden, got)
		}
		if c.want != "" && !strings.Contains(string(printed), "this flow goes without: shm: ") {
			t.Errorf("run.log is %q", printed)
		}
	}
}
