package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"spool.internal/events/eventstest"
)

// Whoever asks for a file that lies in the folder is told why it has not run: what a
// watcher sees, as a writer, comes with since when.
func TestWhereIsMyFile(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	disk := eventstest.NewSmallDisk(t, 192<<20, true)
	p.dir = filepath.Join(disk.Dir, "drive")
	if err := os.MkdirAll(filepath.Join(p.dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.flow("flow.ibflowbin", string(demoFlow))
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
		if name == "cannot" { // there is no room for its copy
			big, err := os.Create(filepath.Join(p.dir, name))
			if err == nil {
				err = errors.Join(syscall.Fallocate(int(big.Fd()), 0, 0, 64<<20), big.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			defer disk.Leave(32 << 20)()
			if err := os.Rename(big.Name(), in(name)); err != nil {
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
