package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"spool.internal/events"
)

type filePage struct {
	Path  string
	Files []struct {
		TriggerID   string `json:"trigger_id"`
		Fingerprint string
		Seen        string
		Queued      bool
		Result      *nativeResult
	}
}

func TestWhereIsMyFile(t *testing.T) {
	s := newStation(t)
	j, _ := s.made(s.admin, automatic("auto"))
	trigger := func(path, fingerprint string) events.Trigger {
		f := events.NewFile(path)
		f.Fingerprint, f.InputDir = fingerprint, "a/r/fs/D/.spool/x/"+fingerprint+"/input"
		return events.Trigger{ID: events.FileTriggerID(j.ID, fingerprint), JobID: j.ID, Kind: events.KindFile, File: f}
	}
	odd := "b/ü\xff?.pdf"
	triggers := []events.Trigger{trigger("a.pdf", "f1"), trigger(odd, "f2"), trigger("a.pdf", "f3")}
	for _, trigger := range triggers { // one after the other: the ledger tells the order
		if _, err := s.bus.CommitFiles(t.Context(), []events.Trigger{trigger}); err != nil {
			t.Fatal(err)
		}
	}
	// The first has been called, its work is off the queue.
	s.keep(events.Result{TriggerID: triggers[0].ID, JobID: j.ID, Kind: events.KindFile, File: triggers[0].File, Status: events.OK})
	if err := s.bus.Purge(t.Context(), events.StreamFiles, events.FileSubject(j.ID, "f1"), 0); err != nil {
		t.Fatal(err)
	}
	find := func(path string) filePage {
		t.Helper()
		a := s.native(http.MethodGet, "jobs/"+j.ID+"/files?path="+url.QueryEscape(path), s.admin, "")
		return into[filePage](t, a, http.StatusOK)
	}
	show := func(p filePage) (text string) {
		for _, f := range p.Files {
			if f.TriggerID != events.FileTriggerID(j.ID, f.Fingerprint) || f.Seen == "" {
				t.Errorf("an entry is %+v", f)
			}
			text += fmt.Sprint(f.Fingerprint, " queued=", f.Queued, " result=", f.Result != nil && f.Result.TriggerID == f.TriggerID, "; ")
		}
		return text
	}
	for path, want := range map[string]string{
		"a.pdf":   "f3 queued=true result=false; f1 queued=false result=true; ",
		odd:       "f2 queued=true result=false; ",
		"none":    "",
		"b/*":     "",
		"../oh/>": "",
	} {
		if got := show(find(path)); got != want {
			t.Errorf("%q is %q; want %q", path, got, want)
		}
	}
	if got := find(odd); got.Path != "b/ü\ufffd?.pdf" {
		t.Errorf("the path comes back as %q", got.Path)
	}

	reprocess := func(path string) answer {
		return s.native(http.MethodPost, "jobs/"+j.ID+"/files/reprocess", s.admin, `{"path":"`+path+`"}`)
	}
	wantFault(t, reprocess("none"), http.StatusNotFound, "path: no such file has been seen")
	wantFault(t, reprocess("a.pdf"), http.StatusConflict, "path: the file is queued already")

	// With its result kept, it is run again from its stage; the ledger stays.
	s.keep(events.Result{TriggerID: triggers[2].ID, JobID: j.ID, Kind: events.KindFile, File: triggers[2].File, Status: events.ERROR})
	if err := s.bus.Purge(t.Context(), events.StreamFiles, events.FileSubject(j.ID, "f3"), 0); err != nil {
		t.Fatal(err)
	}
	a := reprocess("a.pdf")
	got := into[events.Trigger](t, answer{200, a.header, s.lastTrigger(j.ID)}, http.StatusOK)
	if a.code != http.StatusAccepted || !strings.Contains(string(a.body), got.ID) || got.File == nil || *got.File != *triggers[2].File {
		t.Errorf("answer %d %s; queued is %+v", a.code, a.body, got)
	}
	if n := len(find("a.pdf").Files); n != 2 {
		t.Errorf("the ledger has %d entries", n)
	}

	// Without, watchers are to take it as new.
	if err := s.bus.Purge(t.Context(), events.StreamFiles, events.FileSubject(j.ID, "f2"), 0); err != nil {
		t.Fatal(err)
	}
	_, before := s.read(j.ID)
	if err := s.bus.IgnoreFiles(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	a = s.native(http.MethodPost, "jobs/"+j.ID+"/files/reprocess", s.admin, string(events.Encode(map[string]string{"path": "plain"})))
	wantFault(t, a, http.StatusNotFound, "")
	ignored := trigger("plain", "f4")
	if _, err := s.bus.CommitFiles(t.Context(), []events.Trigger{ignored}); err != nil {
		t.Fatal(err)
	}
	if err := s.bus.Purge(t.Context(), events.StreamFiles, events.FileSubject(j.ID, "f4"), 0); err != nil {
		t.Fatal(err)
	}
	if a := reprocess("plain"); a.code != http.StatusAccepted || len(a.body) > 0 {
		t.Errorf("answer %d %s", a.code, a.body)
	}
	if n := len(find("plain").Files); n != 0 {
		t.Errorf("the ledger has %d entries", n)
	}
	now, after := s.read(j.ID)
	if before == after || !now.EffectiveFrom.Equal(j.EffectiveFrom) {
		t.Errorf("the job was %s and is %s, effective from %v and %v", before, after, j.EffectiveFrom, now.EffectiveFrom)
	}
}
