package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/fileid"
)

// Whoever asks for a file that lies in the folder is told why it has not run: what a
// watcher sees, as a writer, comes with since when.
func TestWhereIsMyFile(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	job := p.job("where", "", "flow.ibflowbin", "in", nil)
	in := func(name string) string { return filepath.Join(p.dir, "in", name) }
	began := time.Now().Add(-time.Second)
	f, err := os.Create(in("open.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range []string{"a.tmp", "cannot", "runs"} {
		if name == "cannot" { // where its stage would be something lies already
			if err := os.WriteFile(filepath.Join(p.dir, name), []byte(name), 0o644); err != nil {
				t.Fatal(err)
			}
			info, err := fileid.Path(filepath.Join(p.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			stages := filepath.Join(p.dir, events.StageRoot, job)
			if err = os.MkdirAll(stages, 0o755); err == nil {
				err = os.WriteFile(filepath.Join(stages, fileid.Fingerprint(job, name, "", info.Stat)), nil, 0o644)
			}
			if err == nil {
				err = os.Rename(filepath.Join(p.dir, name), in(name))
			}
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(in(name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintln(f, "half"); err != nil {
		t.Fatal(err)
	}
	type now struct {
		State, Reason string
		Since         time.Time
	}
	where := func(name string) now {
		var found struct{ Now now }
		p.get("/api/v2/jobs/"+job+"/files?path="+url.QueryEscape(name), &found)
		return found.Now
	}
	for name, state := range map[string]string{"open.pdf": "open", "a.tmp": "ignored", "cannot": "unstaged", "runs": "taken", "none": "absent"} {
		p.eventually(name+" is "+state, func() bool { return where(name).State == state })
	}
	if w := where("open.pdf"); w.Since.Before(began) || w.Reason == "" {
		t.Errorf("open: %+v", w)
	}
	if code, answer := p.send(http.MethodPost, "jobs/"+job+"/files/reprocess", object{"path": "open.pdf"}); code != http.StatusConflict {
		t.Errorf("run again: %d %v", code, answer)
	}
	f.Close()
	p.eventually("it is taken", func() bool { return where("open.pdf").State == "taken" })
}
