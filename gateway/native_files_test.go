package gateway_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

type filePage struct {
	Path    string
	PathB64 string `json:"path_b64"`
	Files   []struct {
		TriggerID   string `json:"trigger_id"`
		Fingerprint string
		Seen        string
		Queued      bool
		Ignored     bool
		MarkedBy    string `json:"marked_by"`
		Verdict     string
		Reason      string
		Result      *nativeResult
	}
}

// archive is a job whose folder is on this host, with files that have been seen.
type archive struct {
	*harness
	job nativeJob
	dir string // of the drive
}

func newArchive(t *testing.T) *archive {
	s, dir := newDriveHarness(t)
	j, _ := s.made(s.admin, strings.ReplaceAll(automatic("auto"), "a/r/fs/D", testDrive))
	return &archive{s, j, dir}
}

// see enters a file into the ledger and the queue.
func (a *archive) see(path, fingerprint string) events.Trigger {
	a.t.Helper()
	f := events.NewFile(path)
	f.Fingerprint, f.InputDir = fingerprint, testDrive+"/.spool/"+a.job.ID+"/"+fingerprint+"/input"
	tr := events.Trigger{ID: events.FileTriggerID(a.job.ID, fingerprint), JobID: a.job.ID, Kind: events.KindFile, File: f}
	if _, err := a.bus.CommitFiles(a.t.Context(), []events.Trigger{tr}); err != nil {
		a.t.Fatal(err)
	}
	return tr
}

// called takes a file off the queue; with a status it leaves a result.
func (a *archive) called(tr events.Trigger, status events.Status) {
	a.t.Helper()
	if status != "" {
		a.keep(events.Result{
			TriggerID: tr.ID, JobID: a.job.ID, Kind: events.KindFile, File: tr.File, Status: status,
			TriggeredAt: time.Now(), FlowJobID: "run-" + tr.File.Fingerprint,
		})
	}
	if err := a.bus.File(a.job.ID, tr.File.Fingerprint).Clear(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
}

func (a *archive) find(path string) filePage {
	a.t.Helper()
	return into[filePage](a.t, a.native(http.MethodGet, "jobs/"+a.job.ID+"/files?path="+url.QueryEscape(path), a.admin, ""), http.StatusOK)
}

// tell finds a file and puts what is known of it in a line.
func (a *archive) tell(path string) (text string) {
	a.t.Helper()
	for _, f := range a.find(path).Files {
		if f.TriggerID != events.FileTriggerID(a.job.ID, f.Fingerprint) || f.Seen == "" {
			a.t.Errorf("an entry is %+v", f)
		}
		text += f.Fingerprint
		for word, is := range map[string]bool{" queued": f.Queued, " ignored": f.Ignored} {
			if is {
				text += word
			}
		}
		if f.Result != nil {
			text += fmt.Sprint(" ", f.Result.Status)
			if f.Result.Run != nil {
				text += " run " + f.Result.Run.State
			}
		}
		if f.Verdict != "" {
			text += " " + f.Verdict + " (" + f.Reason + ")"
		}
		text += "; "
	}
	return text
}

func TestWhereIsMyFile(t *testing.T) {
	s := newArchive(t)
	odd := "b/ü\xff?.pdf"
	f1, f2, f3 := s.see("a.pdf", "f1"), s.see(odd, "f2"), s.see("a.pdf", "f3")
	s.called(f1, events.OK)
	run := events.RunEvent{Phase: events.Accepted, JobID: s.job.ID, FlowJobID: "run-f1", At: time.Now()}
	if err := s.bus.PutRunEvent(t.Context(), run, 0); err != nil {
		t.Fatal(err)
	}
	rewritten := s.see("rewritten", "f4")
	if err := s.bus.CopyVerdict(t.Context(), events.VerdictOn(rewritten, time.Now(), events.VerdictSuperseded, "rewritten")); err != nil {
		t.Fatal(err)
	}
	s.called(rewritten, "")
	if err := s.bus.IgnoreFiles(t.Context(), []events.SeenFile{{JobID: s.job.ID, Path: "old", Fingerprint: "f5"}}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a.pdf":     "f3 queued; f1 OK run pending; ",
		odd:         "f2 queued; ",
		"rewritten": "f4 superseded (rewritten); ",
		"old":       "f5 ignored; ",
		"none":      "",
		"b/*":       "",
		"../oh/>":   "",
	} {
		if got := s.tell(path); got != want {
			t.Errorf("%q is %q; want %q", path, got, want)
		}
	}
	if got := s.find(odd); got.Path != "b/ü\ufffd?.pdf" || got.PathB64 != base64.StdEncoding.EncodeToString([]byte(odd)) {
		t.Errorf("the path comes back as %q, %q", got.Path, got.PathB64)
	}
	if got := s.native(http.MethodGet, "jobs/"+s.job.ID+"/slots", s.admin, ""); strings.Contains(string(got.body), "superseded") {
		t.Errorf("a verdict on a file stands among those on slots: %s", got.body)
	}

	// The ledger forgets what is long gone; results tell of it for as long as they are kept.
	s.called(f3, events.ERROR)
	if err := s.bus.SeenPath(s.job.ID, "a.pdf").Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := s.tell("a.pdf"), "f3 ERROR; f1 OK run pending; "; got != want {
		t.Errorf("long gone, it is %q; want %q", got, want)
	}
	s.called(f2, "")
}

func TestReprocess(t *testing.T) {
	s := newArchive(t)
	reprocess := func(body string) answer {
		t.Helper()
		return s.native(http.MethodPost, "jobs/"+s.job.ID+"/files/reprocess", s.admin, body)
	}
	asked := func() (list []events.Rerun) {
		t.Helper()
		if _, err := s.bus.RerunsAfter(t.Context(), 0, func(a events.Rerun) { list = append(list, a) }); err != nil {
			t.Fatal(err)
		}
		return list
	}
	folder := func(name string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(s.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	odd := "caf\xe9"
	folder("in")
	for _, name := range []string{"a.pdf", odd} {
		if err := os.WriteFile(filepath.Join(s.dir, "in", name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := s.see("a.pdf", "f1")
	wantFault(t, reprocess(`{"path":"none"}`), http.StatusNotFound, "path: no such file has been seen")
	wantFault(t, reprocess(`{"path":"a.pdf"}`), http.StatusConflict, "path: the file is queued already")

	// Where it lies, watchers are to take it as new.
	s.called(a, events.OK)
	s.called(s.see(odd, "f2"), events.OK)
	for _, body := range []string{`{"path":"a.pdf"}`, `{"path_b64":"` + base64.StdEncoding.EncodeToString([]byte(odd)) + `"}`} {
		if got := reprocess(body); got.code != http.StatusAccepted || len(got.body) > 0 {
			t.Errorf("%s: answer %d %s", body, got.code, got.body)
		}
	}
	if got := asked(); len(got) != 2 || got[0].Path() != "a.pdf" || got[1].Path() != odd || got[0].By != "admin" {
		t.Errorf("watchers were asked %+v", got)
	}

	// Where it lies no more, what was taken of it is run again, while that is kept.
	gone := s.see("gone.pdf", "f3")
	s.called(gone, events.ERROR)
	wantFault(t, reprocess(`{"path":"gone.pdf"}`), http.StatusConflict, "path: the file is not in the folder any more")
	folder(".spool/" + s.job.ID + "/f3/input")
	answered := reprocess(`{"path":"gone.pdf"}`)
	got := into[events.Trigger](t, answer{200, answered.header, s.lastTrigger(s.job.ID)}, http.StatusOK)
	if answered.code != http.StatusAccepted || !strings.Contains(string(answered.body), got.ID) || got.File == nil || !reflect.DeepEqual(got.File, gone.File) {
		t.Errorf("answer %d %s; queued is %+v", answered.code, answered.body, got)
	}
	if n := len(asked()); n != 2 {
		t.Errorf("watchers were asked %d times", n)
	}

	viewer := s.user("eve", events.Viewer)
	wantFault(t, s.native(http.MethodPost, "jobs/"+s.job.ID+"/files/reprocess", viewer, `{"path":"a.pdf"}`), http.StatusForbidden, "may only read")
	other := s.user("otto", events.Operator)
	wantFault(t, s.native(http.MethodPost, "jobs/"+s.job.ID+"/files/reprocess", other, `{"path":"a.pdf"}`), http.StatusNotFound, "")
	wantFault(t, s.native(http.MethodGet, "jobs/"+s.job.ID+"/files?path=a.pdf", other, ""), http.StatusNotFound, "")
}
