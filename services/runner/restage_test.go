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
func (l *lab) watchedJob(status events.JobStatus) {
	l.t.Helper()
	parameters := `{"name":"n","flow_parameters":{"auth_token":"t","binary_path":"` + logical("flow") + `","input_dir":"` + logical("in") + `","settings":{"spooled_mode":true}}}`
	m, _, err := l.bus.Last(l.t.Context(), events.StreamJobs, events.JobSubject("job-1"))
	if err == nil {
		ev := events.JobEvent{Event: events.JobUpdated, At: time.Now(), Job: events.Job{ID: "job-1", Username: "J\u00fcrgen M", Status: status, Parameters: []byte(parameters)}}
		_, err = l.bus.PutJob(l.t.Context(), ev, m.Sequence)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// callFor asks for the run of a file whose stage is not there.
func (l *lab) callFor(url, name, generation string) (reply, string) {
	l.t.Helper()
	info, err := fileid.Path(l.host("in/" + name))
	if err != nil {
		l.t.Fatal(err)
	}
	fingerprint := fileid.Fingerprint("job-1", name, generation, info.Stat)
	stage := ".spool/job-1/" + fingerprint + "/input"
	settings, err := events.ParseObject([]byte(`{"output_dir":"` + logical("out") + `","output_has_run_id":false}`))
	if err != nil {
		l.t.Fatal(err)
	}
	call := events.RunRequest{
		BinaryPath: logical("flow"), InputDir: logical(stage), Settings: settings,
		Spool: &events.RunExtras{Cause: events.Cause{Kind: events.KindFile, File: &events.FileRef{Path: name, Name: filepath.Base(name), Size: info.Size}}},
	}
	return l.ask(url, events.FileTriggerID("job-1", fingerprint), string(events.Encode(call)), nil), stage
}

// A stage that somebody has removed is made again from the file itself, before the run
// is accepted and after, if that is as it was; else the run ends and says what to do.
func TestStageIsMadeAgain(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", `cat "$1"/* >> "$2/got"; ls -A "$1" >> "$2/names"`)
	l.watchedJob(events.Enabled)
	r := l.runner(nil)
	stop := l.background(r.Run)
	url := l.serve(r).URL
	l.write("in/a", "alpha\n", 0o644)
	a, stage := l.callFor(url, "a", "")
	if a.Status != events.OK {
		t.Fatalf("refused: %+v", a)
	}
	if ended := l.until(events.Ended, a.Data.JobID); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
	if l.read("out/got") != "alpha\n" || l.read("out/names") != "a\n" || l.read(stage+"/a") != "alpha\n" {
		t.Errorf("got %q of %q", l.read("out/got"), l.read("out/names"))
	}
	stop()
	l.write("in/b", "beta\n", 0o644)
	b, stage := l.callFor(url, "b", "")
	l.write("in/c", "gamma\n", 0o644)
	c, _ := l.callFor(url, "c", "")
	if b.Status != events.OK || c.Status != events.OK {
		t.Fatalf("refused: %+v %+v", b, c)
	}
	if err := os.RemoveAll(l.host(".spool")); err != nil { // between acceptance and start
		t.Fatal(err)
	}
	l.write("in/c", "another\n", 0o644)
	l.background(l.runner(nil).Run)
	if ended := l.until(events.Ended, b.Data.JobID); ended.Status != events.OK || l.read(stage+"/b") != "beta\n" {
		t.Errorf("ended %+v", ended)
	}
	ended := l.until(events.Ended, c.Data.JobID)
	if ended.Status != events.ERROR || !strings.Contains(ended.Message, "has changed since") || !strings.Contains(ended.Message, "/api/v2/jobs/job-1/files/reprocess") {
		t.Errorf("ended %+v", ended)
	}
	if err := os.Remove(l.host("in/c")); err != nil {
		t.Fatal(err)
	}
	l.write("in/d", "delta\n", 0o644)
	if err := l.bus.Reprocess(t.Context(), "job-1", "d", "ann"); err != nil { // another run of the same file
		t.Fatal(err)
	}
	generations, err := l.bus.Generations(t.Context(), "job-1")
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := l.callFor(url, "d", generations["d"]); d.Status != events.OK {
		t.Errorf("refused: %+v", d)
	}
	if d, _ := l.callFor(url, "d", "nobody's"); d.Status != events.ERROR || !strings.Contains(d.Msg, "files/reprocess") {
		t.Errorf("accepted: %+v", d)
	}
}
