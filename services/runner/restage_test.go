//go:build linux || darwin

package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/fileid"
)

// watchedJob makes job-1 a job that watches the folder "in".
func (h *harness) watchedJob(status events.JobStatus) {
	h.t.Helper()
	parameters := `{"name":"n","flow_parameters":{"auth_token":"t","binary_path":"` + logical("flow") + `","input_dir":"` + logical("in") + `","settings":{"spooled_mode":true}}}`
	m, _, err := h.bus.JobEvents("job-1").Last(h.t.Context())
	if err == nil {
		ev := events.JobEvent{Event: events.JobUpdated, At: time.Now(), Job: events.Job{ID: "job-1", Username: "J\u00fcrgen M", Status: status, Parameters: []byte(parameters)}}
		_, err = h.bus.PutJob(h.t.Context(), ev, m.Sequence)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// callFor asks for the run of a file whose stage is not there.
func (h *harness) callFor(url, name, generation string) (reply, string) {
	h.t.Helper()
	info, err := fileid.Path(h.host("in/" + name))
	if err != nil {
		h.t.Fatal(err)
	}
	fingerprint := fileid.Fingerprint("job-1", name, generation, info.Stat)
	ending := ".AB7"
	if name == "b" { // as a former release laid it
		ending = "/input"
	}
	stage := ".spool/job-1/" + fingerprint + ending
	settings, err := events.ParseObject([]byte(`{"output_dir":"` + logical("out") + `","output_has_run_id":false}`))
	if err != nil {
		h.t.Fatal(err)
	}
	call := events.RunRequest{
		BinaryPath: logical("flow"), InputDir: logical(stage), Settings: settings,
		Spool: &events.RunExtras{Cause: events.Cause{Kind: events.KindFile, File: &events.FileRef{Path: name, Name: filepath.Base(name), Size: info.Size}}},
	}
	return h.ask(url, events.FileTriggerID("job-1", fingerprint), string(events.Encode(call)), nil), stage
}

// A stage that somebody has removed is made again from the file itself, before the run
// is accepted and after, if that is as it was; else the run ends and says what to do.
func TestStageIsMadeAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `cat "$1"/* >> "$2/got"; ls -A "$1" >> "$2/names"`)
	h.watchedJob(events.Enabled)
	r := h.runner(nil)
	stop := h.background(r.Run)
	url := h.serve(r).URL
	h.write("in/a", "alpha\n", 0o644)
	a, stage := h.callFor(url, "a", "")
	if a.Status != events.OK {
		t.Fatalf("refused: %+v", a)
	}
	if ended := h.until(events.Ended, a.Data.JobID); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
	if h.read("out/got") != "alpha\n" || h.read("out/names") != "a\n" || h.read(stage+"/a") != "alpha\n" {
		t.Errorf("got %q of %q", h.read("out/got"), h.read("out/names"))
	}
	stop()
	h.write("in/b", "beta\n", 0o644)
	b, stage := h.callFor(url, "b", "")
	h.write("in/c", "gamma\n", 0o644)
	c, _ := h.callFor(url, "c", "")
	if b.Status != events.OK || c.Status != events.OK {
		t.Fatalf("refused: %+v %+v", b, c)
	}
	if err := os.RemoveAll(h.host(".spool")); err != nil { // between acceptance and start
		t.Fatal(err)
	}
	h.write("in/c", "another\n", 0o644)
	h.background(h.runner(nil).Run)
	if ended := h.until(events.Ended, b.Data.JobID); ended.Status != events.OK || h.read(stage+"/b") != "beta\n" {
		t.Errorf("ended %+v", ended)
	}
	ended := h.until(events.Ended, c.Data.JobID)
	if ended.Status != events.ERROR || !strings.Contains(ended.Message, "has changed since") || !strings.Contains(ended.Message, "/api/v2/jobs/job-1/files/reprocess") {
		t.Errorf("ended %+v", ended)
	}
	if err := os.Remove(h.host("in/c")); err != nil {
		t.Fatal(err)
	}
	h.write("in/d", "delta\n", 0o644)
	if err := h.bus.Reprocess(t.Context(), "job-1", "d", "ann"); err != nil { // another run of the same file
		t.Fatal(err)
	}
	generations, err := h.bus.Generations(t.Context(), "job-1")
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := h.callFor(url, "d", generations["d"]); d.Status != events.OK {
		t.Errorf("refused: %+v", d)
	}
	if d, _ := h.callFor(url, "d", "nobody's"); d.Status != events.ERROR || !strings.Contains(d.Msg, "files/reprocess") {
		t.Errorf("accepted: %+v", d)
	}
}
