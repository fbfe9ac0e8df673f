//go:build linux || darwin

package runner

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// started gives the id under which gateways ask about a run that has started.
func (h *harness) runnerOf(flowJobID string) string {
	h.t.Helper()
	started := h.until(events.Started, flowJobID)
	if started.Process == nil || started.Process.Runner == "" {
		h.t.Fatalf("started names no runner: %+v", started.Process)
	}
	return started.Process.Runner
}

// follow reads a log from its beginning until it holds a text.
func (h *harness) followUntil(runner, id, text string) (all string, last events.LogPart) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		part, data, err := h.bus.AskLog(h.t.Context(), runner, events.LogAsk{FlowJobID: id, Offset: int64(len(all)), Most: 7, Wait: 10 * time.Second})
		if err != nil {
			h.t.Fatal(err)
		}
		if len(data) > 0 && part.Offset != int64(len(all)) || len(data) > 7 {
			h.t.Fatalf("%d bytes at %d, asked for at %d", len(data), part.Offset, len(all))
		}
		if all += string(data); strings.Contains(all, text) {
			return all, part
		}
	}
	h.t.Fatalf("the log is %q", all)
	return all, last
}

func TestGatewaysReadLogs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `echo first; echo second; while [ ! -e "$1/go" ]; do sleep 0.05; done; echo third; exit 3`)
	r := h.runner(nil)
	id := h.accept(h.serve(r).URL, "one", "flow", `{}`)
	h.background(r.Run)
	runner := h.runnerOf(id)
	if all, part := h.followUntil(runner, id, "second\n"); all != "first\nsecond\n" || !part.Live || part.Full {
		t.Errorf("%q, %+v", all, part)
	}
	ask := func(q events.LogAsk) (events.LogPart, string) {
		t.Helper()
		q.FlowJobID = id
		part, data, err := h.bus.AskLog(t.Context(), runner, q)
		if err != nil {
			t.Fatal(err)
		}
		return part, string(data)
	}
	if part, text := ask(events.LogAsk{Lines: 1, Most: 100}); text != "second\n" || part.Offset != 6 || part.Size != 13 {
		t.Errorf("the last line: %q, %+v", text, part)
	}
	if part, _ := ask(events.LogAsk{Lines: 1, Most: 100, Number: true}); part.Line != 2 {
		t.Errorf("the last line is said to be number %d", part.Line)
	}
	if part, text := ask(events.LogAsk{Bytes: 3, Most: 100}); text != "nd\n" || part.Offset != 10 {
		t.Errorf("the last 3 bytes: %q, %+v", text, part)
	}
	if part, text := ask(events.LogAsk{}); text != "" || part.Size != 13 || part.Modified.IsZero() || !part.Live {
		t.Errorf("what there is: %q, %+v", text, part)
	}
	if part, text := ask(events.LogAsk{Offset: 13, Most: 100, Wait: 50 * time.Millisecond}); text != "" || !part.Live {
		t.Errorf("the end: %q, %+v", text, part)
	}
	h.write("in/go", "", 0o644)
	if all, _ := h.followUntil(runner, id, "third\n"); all != "first\nsecond\nthird\n" {
		t.Errorf("%q", all)
	}
	h.until(events.Ended, id)
	if part, text := ask(events.LogAsk{Offset: 19, Most: 100, Wait: time.Minute}); text != "" || part.Live {
		t.Errorf("after its end: %q, %+v", text, part)
	}
	for _, hostile := range []string{"", "..", "../../etc", "*", strings.ToUpper(id), "6bc58441-1f60-4265-99f1-881c90ac65df"} {
		if _, _, err := h.bus.AskLog(t.Context(), runner, events.LogAsk{FlowJobID: hostile, Most: 10}); events.CodeOf(err) != events.NotFound {
			t.Errorf("the log of %q: %v", hostile, err)
		}
		if _, _, err := h.bus.AskOutput(t.Context(), runner, events.OutputAsk{FlowJobID: hostile, Limit: 10}); events.CodeOf(err) != events.NotFound {
			t.Errorf("what %q has written: %v", hostile, err)
		}
		if _, err := h.bus.AskCancel(t.Context(), runner, "", events.CancelAsk{FlowJobID: hostile, By: "ann"}); events.CodeOf(err) != events.NotFound {
			t.Errorf("cancel %q: %v", hostile, err)
		}
	}
}

// What a full log leaves out for now can be followed all the same.
func TestGatewaysFollowFullLogs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `yes 123456789 | head -c 15728640; echo one; echo two; while [ ! -e "$1/go" ]; do sleep 0.05; done; echo three`)
	r := h.runner(nil)
	id := h.accept(h.serve(r).URL, "one", "flow", `{}`)
	h.background(r.Run)
	runner := h.runnerOf(id)
	const head = 15 << 20
	ask := func(q events.LogAsk) (events.LogPart, string) {
		t.Helper()
		q.FlowJobID, q.Most = id, 1000
		part, data, err := h.bus.AskLog(t.Context(), runner, q)
		if err != nil {
			t.Fatal(err)
		}
		return part, string(data)
	}
	var part events.LogPart
	var text string
	h.eventually("it prints its last line", func() bool {
		part, text = ask(events.LogAsk{Offset: head})
		return strings.HasSuffix(text, "two\n")
	})
	if text != "one\ntwo\n" || part.Offset != -1 || part.Size != head || !part.Full || part.Printed != head+8 {
		t.Errorf("behind the head: %q, %+v", text, part)
	}
	if part, text := ask(events.LogAsk{Lines: 1}); text != "two\n" || part.Offset != -1 || part.Printed != head+8 {
		t.Errorf("the last line: %q, %+v", text, part)
	}
	h.write("in/go", "", 0o644)
	if part, text = ask(events.LogAsk{Offset: head, Printed: part.Printed, Wait: 10 * time.Second}); !strings.HasSuffix(text, "three\n") {
		t.Errorf("what comes: %q, %+v", text, part)
	}
	h.until(events.Ended, id)
	if part, text := ask(events.LogAsk{Offset: head}); text != "one\ntwo\nthree\n" || part.Live || part.Offset != head {
		t.Errorf("in its place in the end: %q, %+v", text, part)
	}
}

func TestGatewaysReadOutputs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `mkdir -p "$2/sub" "$2/.spool"; echo one > "$2/one.txt"; echo two > "$2/sub/two.txt"; ln -s one.txt "$2/link"; ln -s /etc/passwd "$2/out"; mkfifo "$2/pipe"; echo s > "$2/.spool/s"`)
	r := h.runner(nil)
	url := h.serve(r).URL
	own, shared := h.accept(url, "own", "flow", `{"output_has_run_id":true}`), h.accept(url, "shared", "flow", `{"output_dir":"`+logical("shared")+`"}`)
	h.background(r.Run)
	for _, id := range []string{own, shared} {
		h.until(events.Ended, id)
	}
	h.write("shared/other.txt", "of another run", 0o644)
	runner := h.runnerOf(own)
	for _, id := range []string{own, shared} {
		var names []string
		for after, more := "", true; more; {
			part, _, err := h.bus.AskOutput(t.Context(), runner, events.OutputAsk{FlowJobID: id, After: after, Limit: 1})
			if err != nil || len(part.Files) != 1 {
				t.Fatalf("%+v, %v", part, err)
			}
			after, more = part.Files[0].Path, part.More
			names = append(names, after)
		}
		if diff := cmp.Diff([]string{"one.txt", "sub/two.txt"}, names); diff != "" {
			t.Errorf("-want +listed:\n%s", diff)
		}
		part, text, err := h.bus.AskOutput(t.Context(), runner, events.OutputAsk{FlowJobID: id, File: "sub/two.txt", Offset: 1, Most: 2})
		if err != nil || string(text) != "wo" || part.Size != 4 {
			t.Errorf("a part of a file: %q, %+v, %v", text, part, err)
		}
		for _, hostile := range []string{"", ".", "..", "../flow", "../in", "/etc/passwd", "sub/../../flow", "sub", "link", "out", "pipe", ".spool/s", "other.txt", "none"} {
			if _, text, err := h.bus.AskOutput(t.Context(), runner, events.OutputAsk{FlowJobID: id, File: hostile, Most: 100}); events.CodeOf(err) != events.NotFound {
				t.Errorf("%q of %s: %q, %v", hostile, id, text, err)
			}
		}
	}
}

// A run that waits is ended by any runner of its pool, one that goes on by the runner that has
// it, and both once.
func TestGatewaysCancelRuns(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", forever)
	r := h.runner(func(c *Config) { c.Workers = 1 })
	url := h.serve(r).URL
	running := h.accept(url, "running", "flow", `{}`)
	h.background(r.Run)
	runner := h.runnerOf(running)
	h.eventually("the flow runs", func() bool { return len(h.lines("in/journal")) == 1 })
	queued := h.accept(url, "queued", "flow", `{}`)
	if _, err := h.bus.AskCancel(t.Context(), "", "another", events.CancelAsk{FlowJobID: queued, By: "ann"}); !errors.Is(err, jet.ErrRunnerAway) {
		t.Errorf("another pool: %v", err)
	}
	for range 2 {
		part, err := h.bus.AskCancel(t.Context(), "", "default", events.CancelAsk{FlowJobID: queued, By: "ann"})
		if err != nil || part.Last.Phase != events.Ended || part.Last.Message != "cancelled by ann" {
			t.Errorf("a run that waits: %+v, %v", part.Last, err)
		}
		if part, err = h.bus.AskCancel(t.Context(), runner, "", events.CancelAsk{FlowJobID: running, By: "ann"}); err != nil || part.Last.Phase != events.Cancelling && !part.Last.Cancelled() {
			t.Errorf("a run that goes on: %+v, %v", part.Last, err)
		}
	}
	for _, id := range []string{queued, running} {
		if ended := h.until(events.Ended, id); !ended.Cancelled() {
			t.Errorf("%+v", ended)
		}
	}
	h.drained()
	for _, id := range []string{queued, running} {
		if n, _ := h.phase(events.Ended, id); n != 1 {
			t.Errorf("%s ended %d times", id, n)
		}
	}
	if got := len(h.lines("in/journal")); got != 1 {
		t.Errorf("%d flows have run", got)
	}
	if _, err := os.Stat(h.data + "/runner.id"); err != nil {
		t.Error(err)
	}
}
