//go:build linux || darwin

package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// about is the body of a dispatcher's call for a flow on the file in/x/scan 1.txt.
func about(flow, settings string, cause events.Cause) string {
	return string(events.Encode(map[string]any{
		"binary_path": logical(flow), "input_dir": logical("in"), "settings": json.RawMessage(settings), "spool": cause,
	}))
}

func aCause(content string) events.Cause {
	return events.Cause{
		Job:  &events.JobRef{ID: "job-1", Name: "Scans", Tags: []string{"office"}, Owner: "Jürgen M"},
		Kind: events.KindFile, Slot: time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC),
		File: &events.FileRef{Path: "x/scan 1.txt", Name: "scan 1.txt", Size: int64(len(content))},
	}
}

// The end of a run says by itself what it was about, how it ended and what it left.
func TestTheEndOfARunCanBeUsedAlone(t *testing.T) {
	t.Parallel()
	const content = "ten pages"
	sum := sha256.Sum256([]byte(content))
	for _, shut := range []bool{false, true} {
		t.Run(fmt.Sprint("sandbox ", shut), func(t *testing.T) {
			h := newHarness(t, eventstest.Options{})
			h.write("in/scan 1.txt", content, 0o644)
			h.flow("flow", `mkdir -p pages; printf 12345 > pages/1; printf 1 > all; ln -s /etc/passwd leads-out; mkfifo pipe
				printf ' {"pages": 10, "big": 1e400}\n' > "$SPOOL_RESULT"`)
			r := h.runner(nil)
			if shut {
				r = h.shut(nil)
			}
			url := h.serve(r).URL
			h.background(r.Run)
			a := h.ask(url, "key", about("flow", `{"output_dir":"`+logical("out")+`","output_has_run_id":true}`, aCause(content)), nil)
			if a.Status != events.OK {
				t.Fatalf("not accepted: %+v", a)
			}
			ended := h.until(events.Ended, a.Data.JobID)
			want := aCause(content)
			want.File.SHA256 = hex.EncodeToString(sum[:])
			if diff := cmp.Diff(want, ended.Cause); diff != "" {
				t.Errorf("cause (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]events.Output{{Path: "all", Size: 1}, {Path: "pages/1", Size: 5}}, ended.Outputs); diff != "" || ended.OutputCount == nil || *ended.OutputCount != 2 {
				t.Errorf("outputs %v (-want +got):\n%s", ended.OutputCount, diff)
			}
			if string(ended.Result) != `{"pages":10,"big":1e400}` || ended.Outcome != events.OutcomeOK || ended.Attempt != 1 {
				t.Errorf("ended %+v, result %s", ended, ended.Result)
			}
			if want := "flow on scan 1.txt ended ok after "; !strings.HasPrefix(ended.Why, want) || !strings.HasSuffix(ended.Why, " and wrote 2 files") {
				t.Errorf("why: %s", ended.Why)
			}
			_, accepted := h.phase(events.Accepted, a.Data.JobID)
			_, started := h.phase(events.Started, a.Data.JobID)
			if accepted.Outcome != events.OutcomeWaiting || started.Outcome != events.OutcomeRunning || accepted.File.Name != "scan 1.txt" || started.Job.Name != "Scans" {
				t.Errorf("accepted %+v, started %+v", accepted, started)
			}
		})
	}
}

// Who calls for himself cannot say that a job has called.
func TestADirectCallSaysNothingOfJobs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	r := h.runner(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	a := h.ask(url, "key", about("flow", `{}`, aCause("x")), map[string]string{
		events.HeaderDispatcher: "", events.HeaderJobID: "", events.HeaderOwner: "", "Authorization": "Bearer " + h.token[events.Admin],
	})
	if a.Status != events.OK {
		t.Fatalf("not accepted: %+v", a)
	}
	var ended events.RunEvent
	h.eventually("the run has ended", func() bool {
		var seq uint64
		ended, seq, _ = h.bus.RunEvent(t.Context(), events.Ended, "", a.Data.JobID)
		return seq > 0
	})
	if diff := cmp.Diff(events.Cause{}, ended.Cause); diff != "" || ended.Outcome != events.OutcomeOK {
		t.Errorf("cause (-want +got):\n%s", diff)
	}
}

// What is in SPOOL_RESULT and no result is said, and not stored.
func TestWhatIsNoResult(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	r := h.shut(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	for name, c := range map[string]struct{ script, said, result string }{
		"large":     {`head -c 8193 /dev/zero | tr '\0' 1 > "$SPOOL_RESULT"`, "SPOOL_RESULT is not kept: it is larger than 8192 bytes", ""},
		"at-most":   {`head -c 8192 /dev/zero | tr '\0' 1 > "$SPOOL_RESULT"`, "", strings.Repeat("1", 8192)},
		"no-json":   {`echo "{pages: 10}" > "$SPOOL_RESULT"`, "SPOOL_RESULT is not kept: it is not one JSON value", ""},
		"two":       {`echo "{} {}" > "$SPOOL_RESULT"`, "SPOOL_RESULT is not kept: it is not one JSON value", ""},
		"not-utf8":  {`printf '"\377"' > "$SPOOL_RESULT"`, "SPOOL_RESULT is not kept: it is not UTF-8", ""},
		"bom":       {`printf '\357\273\277"x"' > "$SPOOL_RESULT"`, "", `"x"`},
		"empty":     {`: > "$SPOOL_RESULT"`, "", ""},
		"pipe":      {`mkfifo "$SPOOL_RESULT"`, "SPOOL_RESULT is not kept: it is not a file", ""},
		"link":      {`ln -s /etc/hostname "$SPOOL_RESULT"`, "SPOOL_RESULT is not kept: it is not a file", ""},
		"folder":    {`mkdir "$SPOOL_RESULT"`, "SPOOL_RESULT is not kept: it is not a file", ""},
		"no-folder": {`rmdir "$TMPDIR" || true`, "", ""},
		"failed":    {`echo '"half"' > "$SPOOL_RESULT"; echo boom; exit 3`, "exit status 3: boom", `"half"`},
	} {
		t.Run(name, func(t *testing.T) {
			h := *h
			h.t = t
			h.flow(name, c.script)
			ended := h.until(events.Ended, h.accept(url, name, name, `{}`))
			if string(ended.Result) != c.result || ended.Message != c.said {
				t.Errorf("result %.40q, message %q", ended.Result, ended.Message)
			}
			failed := name == "failed"
			if want := map[bool]events.Outcome{false: events.OutcomeOK, true: events.OutcomeFailed}[failed]; ended.Outcome != want || !strings.Contains(ended.Why, c.said) {
				t.Errorf("outcome %s, why %s", ended.Outcome, ended.Why)
			}
		})
	}
}

// The files of a run in a folder that others share are those that came during it,
// and of many there are a hundred names, and their number.
func TestOutputsAreTheRunsOwnAndBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	r := h.shut(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	h.write("out/old", "of another run", 0o644)
	time.Sleep(20 * time.Millisecond) // the clock of a file system is that coarse
	h.flow("flow", `for i in $(seq -w 150); do echo $i > f$i; done; rm f150`)
	ended := h.until(events.Ended, h.accept(url, "1", "flow", `{"output_dir":"`+logical("out")+`"}`))
	if ended.OutputCount == nil || *ended.OutputCount != 149 || len(ended.Outputs) != events.MaxOutputs || ended.Outputs[0].Path != "f001" {
		t.Errorf("count %v, %d outputs, first %+v", ended.OutputCount, len(ended.Outputs), ended.Outputs[:1])
	}
}

func TestDigestOfWhatIsRewritten(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	r := h.runner(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	h.write("in/scan 1.txt", "longer than it was", 0o644)
	a := h.ask(url, "key", about("flow", `{}`, aCause("as it was")), nil)
	if ended := h.until(events.Ended, a.Data.JobID); ended.File == nil || ended.File.SHA256 != "" {
		t.Errorf("ended %+v", ended)
	}
}
