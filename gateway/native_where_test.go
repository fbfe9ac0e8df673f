package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// where tells where a file is.
func (a *archive) where(path string) string {
	a.t.Helper()
	v := into[struct {
		Now *struct{ State, Reason string }
	}](a.t, a.native(http.MethodGet, "jobs/"+a.job.ID+"/files?path="+url.QueryEscape(path), a.admin, ""), http.StatusOK)
	if v.Now == nil {
		return "nobody knows"
	}
	return v.Now.State + ": " + v.Now.Reason
}

func watchingArchive(t *testing.T, watch string) *archive {
	s, dir := newDriveHarness(t)
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	j, _ := s.made(s.admin, strings.Replace(strings.ReplaceAll(automatic("auto"), "a/r/fs/D", testDrive), `{`, `{"spool":{"watch":`+watch+`},`, 1))
	return &archive{s, j, dir}
}

// tell has a watcher say something about the job.
func (a *archive) say(folders []events.WatchState, files []events.WaitingFiles) {
	a.t.Helper()
	if err := a.bus.PutFolderStates(a.t.Context(), folders, files); err != nil {
		a.t.Fatal(err)
	}
}

// A file that lies there is never answered for like one that does not exist, whatever
// keeps it from running.
func TestWhereEveryFileIs(t *testing.T) {
	a := watchingArchive(t, `{"recursive":true,"include":["*.pdf","*.tmp"],"ignore":["old-*","archive"],"marker":".done"}`)
	a.put(".hidden.pdf", "a.tmp", "a.pdf~", "old-1.pdf", "archive/b.pdf", "@eaDir/c.pdf", "x.txt", "Thumbs.db",
		"waits.pdf", "m.pdf", "m.pdf.done", "open.pdf", "open.pdf.done", "full.pdf", "full.pdf.done", "run.pdf", "run.pdf.done", "Big.PDF",
		"stale.pdf", "stale.pdf.done", "sub/x.pdf", "sub/x.pdf.done")
	in := filepath.Join(a.dir, "in")
	soon := time.Now().Add(-time.Minute)
	for _, err := range []error{
		os.Mkdir(filepath.Join(in, "dir.pdf"), 0o755), os.Symlink("m.pdf", filepath.Join(in, "link.pdf")),
		os.Chtimes(filepath.Join(in, "m.pdf"), soon, soon),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := mkfifo(filepath.Join(in, "pipe.pdf")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond) // the time of a file system may be coarse
	a.put("stale.pdf")
	a.say(nil, []events.WaitingFiles{{JobID: a.job.ID, Files: []events.WaitingFile{
		{Path: "open.pdf", State: events.FileOpen, Since: time.Now()},
		{Path: "full.pdf", State: events.FileUnstaged, Reason: "no space left on device"},
	}}})
	for path, want := range map[string]string{
		"none.pdf": "absent: Spool has not seen this name.", "big.pdf": "absent: Spool has not seen this name. Big.PDF lies there: capitals count.",
		".hidden.pdf": "ignored: Ignored: it is hidden", "a.tmp": "ignored: Ignored: it is under construction, by its ending .tmp", "a.pdf~": "ignored: Ignored: it is what an editor keeps",
		"old-1.pdf": "ignored: Ignored: it is ignored by the pattern old-* of spool.watch.ignore", "Thumbs.db": "ignored: Ignored: it is what a system",
		"m.pdf.done":    "ignored: Ignored: it is the marker (spool.watch.marker) of m.pdf",
		"archive/b.pdf": "not_watched: Not watched: it lies in the folder archive, which is ignored by the pattern archive of spool.watch.ignore",
		"@eaDir/c.pdf":  "not_watched: Not watched: it lies in the folder @eaDir, which is what a system",
		"x.txt":         "not_included: Not included: it is matched by no pattern of spool.watch.include (*.pdf, *.tmp)",
		"dir.pdf":       "not_a_file: It is a folder: only regular files are run.", "link.pdf": "not_a_file: It is a link", "pipe.pdf": "not_a_file: It is a pipe",
		"waits.pdf": "unmarked: It has no waits.pdf.done.", "stale.pdf": "unmarked: Its stale.pdf.done is older than the file",
		"open.pdf": "open: A process has it open for writing, since ", "full.pdf": "unstaged: Its copy for the run cannot be made: no space left on device.", "sub/x.pdf": "new: Written ",
	} {
		if got := a.where(path); !strings.HasPrefix(got, want) {
			t.Errorf("%s\n got %s\nwant %s", path, got, want)
		}
	}
	refused := a.native(http.MethodPost, "jobs/"+a.job.ID+"/files/reprocess", a.admin, `{"path":"waits.pdf"}`)
	if refused.code != http.StatusConflict || !strings.Contains(string(refused.body), "It has no waits.pdf.done.") {
		t.Errorf("run again: %d %s", refused.code, refused.body)
	}
}

// A file that waits for its folder, or was taken, says so.
func TestWhereTakenFilesAre(t *testing.T) {
	a := watchingArchive(t, `{"quiet_ms":0}`)
	a.put("a", "sub/b")
	if got := a.where("sub/b"); !strings.HasPrefix(got, "not_watched: Not watched: it lies in a folder below the watched one") {
		t.Error(got)
	}
	if got := a.where("a"); !strings.HasPrefix(got, "unseen: Nothing is in its way") {
		t.Error(got)
	}
	a.say([]events.WatchState{{JobID: a.job.ID, State: "blocked", Reason: "the mount hangs"}}, nil)
	if got := a.where("a"); got != "unseen: The folder cannot be read: the mount hangs. It is tried again every 5 s." {
		t.Error(got)
	}
	a.disable()
	list := a.ask(`{"pattern":"a"}`)
	kept, _, err := a.bus.MarkList(t.Context(), list.List)
	if err != nil {
		t.Fatal(err)
	}
	a.see("a", kept.Files[0].Fingerprint)
	if got := a.where("a"); got != "taken: Queued 1st: the job is disabled, and it waits until that is enabled." {
		t.Error(got)
	}
	a.mark(list.List)
	if got := a.where("a"); !strings.HasPrefix(got, "taken: Marked as run by admin on ") {
		t.Error(got)
	}
	if err := os.RemoveAll(filepath.Join(a.dir, "in")); err != nil {
		t.Fatal(err)
	}
	if got := a.where("a"); !strings.HasPrefix(got, "no_folder: ") || !strings.Contains(got, "does not exist") {
		t.Error(got)
	}
}

// What is never run, whatever a job says, is in the README of watcher and in the reference.
func TestNeverRunIsDocumented(t *testing.T) {
	for _, doc := range []string{"../watcher/README.md", "openapi.yaml"} {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(append([]string{".x", "~$x", "x~", "#x#", "*" + events.WhyEnding}, events.UnfinishedEndings...), events.SystemNames...) {
			if name != "icon\r" && !strings.Contains(strings.ToLower(string(text)), fmt.Sprintf("`%s`", name)) {
				t.Errorf("%s does not name %s", doc, name)
			}
		}
	}
}
