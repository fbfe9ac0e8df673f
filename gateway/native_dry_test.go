package gateway_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// dryJob is the answer to a dry run.
type dryJob struct {
	nativeJob
	Dry *struct {
		Action  string
		Changes []dryChange
		Next    struct{ Before, After []string } `json:"next_runs"`
	} `json:"dry_run"`
}

type dryChange struct {
	Field         string
	Before, After json.RawMessage
}

func (c dryChange) String() string { return c.Field + " " + string(c.Before) + " > " + string(c.After) }

func lines(changes []dryChange) (all []string) {
	for _, c := range changes {
		all = append(all, c.String())
	}
	return all
}

// stored counts what JOBS and DRIVES hold.
func (s *harness) stored() (n int) {
	s.t.Helper()
	jobs, err := s.bus.JobEvents("").Count(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	drives, err := s.bus.Drives(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return jobs + len(drives)
}

func TestDryRun(t *testing.T) {
	s := newHarness(t)
	s.runnerSays("r", events.RunnerState{Host: "h"})
	ann := s.user("ann", events.Operator)
	post := func(body string) answer { return s.native(http.MethodPost, "jobs?dry_run=true", ann, body) }
	const short = `{"name":"n","schedule":"30 2 * * *","run":{"command":"true","secrets":{"S":"hush1"}},"spool":{"timezone":"UTC","key":"k"}}`
	before := s.stored()
	got := into[dryJob](t, s.native(http.MethodPost, "jobs?dry_run=true", ann, short, "Idempotency-Key", "once"), http.StatusOK)
	if got.ID != "00000000-0000-0000-0000-000000000000" || got.Dry == nil || got.Dry.Action != "create" || len(got.Dry.Next.Before) != 0 || len(got.Dry.Next.After) != 5 || len(got.NextRuns) != 5 {
		t.Errorf("a new job would be %+v %+v", got.nativeJob, got.Dry)
	}
	want := []string{
		`name  > "n"`, `run  > {"command":"true","secrets":{"S":"********"}}`, `schedule  > "30 2 * * *"`, `spool  > {"timezone":"UTC","key":"k"}`,
	}
	if diff := cmp.Diff(want, lines(got.Dry.Changes)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if now := s.stored(); now != before {
		t.Errorf("%d events are stored; want %d", now, before)
	}

	// The key is free, and so is that of the request.
	j := into[nativeJob](t, s.native(http.MethodPost, "jobs", ann, short, "Idempotency-Key", "once"), http.StatusCreated)
	wantFault(t, post(short), http.StatusConflict, "spool.key")
	wantFault(t, post(`{"name":"n","schedule":"at night","run":{"command":"true"}}`), http.StatusBadRequest, "schedule")
	wantFault(t, s.native(http.MethodPost, "jobs?dry_run=yes", ann, short), http.StatusBadRequest, "dry_run")
	viewer := s.user("ann", events.Viewer)
	wantFault(t, s.native(http.MethodPost, "jobs?dry_run=true", viewer, short), http.StatusForbidden, "only read")

	before = s.stored()
	a := s.native(http.MethodPatch, "jobs/"+j.ID+"?dry_run=true", ann, `{"schedule":"0 6 * * *","run":{"secrets":{"S":"hush2"},"timeout":"1h"},"settings":{"tags":["x"]}}`)
	got = into[dryJob](t, a, http.StatusOK)
	want = []string{
		`run.secrets.S "********" > "********"`, `run.timeout  > "1h"`, `schedule "30 2 * * *" > "0 6 * * *"`, `settings  > {"tags":["x"]}`,
	}
	if diff := cmp.Diff(want, lines(got.Dry.Changes)); diff != "" || got.Dry.Action != "update" {
		t.Errorf("%s, changes (-want +got):\n%s", got.Dry.Action, diff)
	}
	if !strings.HasSuffix(got.Dry.Next.Before[0], "T02:30:00Z") || !strings.HasSuffix(got.Dry.Next.After[0], "T06:00:00Z") || got.Schedule != "0 6 * * *" {
		t.Errorf("next runs %+v", got.Dry.Next)
	}
	now, tag := s.read(j.ID)
	if now.Schedule != "30 2 * * *" || a.header.Get("ETag") != tag || s.stored() != before {
		t.Errorf("stored is %s %s", tag, now.Parameters)
	}
	if got = into[dryJob](t, s.native(http.MethodPatch, "jobs/"+j.ID+"?dry_run=true", ann, `{"name":"n"}`), http.StatusOK); got.Dry.Action != "none" || len(got.Dry.Changes) != 0 {
		t.Errorf("nothing would change: %+v", got.Dry)
	}
	wantFault(t, s.native(http.MethodPatch, "jobs/"+j.ID+"?dry_run=true", ann, `{"name":"m"}`, "If-Match", `"1"`), http.StatusPreconditionFailed, "If-Match")
	bob := s.user("bob", events.Operator)
	wantFault(t, s.native(http.MethodPatch, "jobs/"+j.ID+"?dry_run=true", bob, `{"name":"m"}`), http.StatusNotFound, "no such job")
	if strings.Contains(s.log.String(), "hush") || strings.Contains(string(a.body), "hush") {
		t.Error("a secret is shown")
	}
}

// A dry run judges paths as a real one does, and makes no drive of a folder.
func TestDryRunReaches(t *testing.T) {
	s, _ := newDriveHarness(t)
	token, text := events.NewToken("ann", events.Operator, time.Now())
	token.Paths = []string{"ann/"}
	s.enter(token, text)
	own, others := body{binary: `"ann/r/fs/D/f"`, input: `"ann/r/fs/D/in"`}, body{binary: `"ann/r/fs/D/f"`, input: `"bob/r/fs/D/in"`}
	into[dryJob](t, s.native(http.MethodPost, "jobs?dry_run=true", text, own.String()), http.StatusOK)
	for _, dry := range []string{"", "?dry_run=true"} {
		wantFault(t, s.native(http.MethodPost, "jobs"+dry, text, others.String()), http.StatusForbidden, "flow_parameters.input_dir: lies outside what this token reaches")
	}
	j, _ := s.made(text, own.String())
	wantFault(t, s.native(http.MethodPatch, "jobs/"+j.ID+"?dry_run=true", text, `{"flow_parameters":{"input_dir":"bob/r/fs/D/in"}}`), http.StatusForbidden, "lies outside")

	s.runnerSays("r", events.RunnerState{Host: "h"})
	dir := filepath.Join(t.TempDir(), "scans")
	before := s.stored()
	got := into[dryJob](t, s.native(http.MethodPost, "jobs?dry_run=true", s.admin, `{"name":"n","input":"`+dir+`","run":{"command":"true"}}`), http.StatusOK)
	if got.Mode != "automatic" || len(got.Dry.Next.After) != 0 || s.stored() != before {
		t.Errorf("it would be %+v; %d drives and events; want %d", got, s.stored(), before)
	}
	wantFault(t, s.native(http.MethodPost, "jobs?dry_run=true", text, `{"name":"n","input":"`+dir+`","run":{"command":"true"}}`), http.StatusForbidden, "only administrators may name a folder of the host")
}
