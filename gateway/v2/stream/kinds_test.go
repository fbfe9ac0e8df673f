package stream_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// kinds stores one event of each kind that is not a job, a result or a run.
func (r *harness) kinds(jobID string) {
	r.t.Helper()
	ctx, now := r.t.Context(), time.Now().UTC()
	result := events.Result{JobID: jobID, TriggerID: "cron:" + jobID + ":1", HTTP: events.HTTPResult{Response: "refused"}}
	for what, err := range map[string]error{
		"slot":   r.bus.CopyVerdict(ctx, events.Verdict{JobID: jobID, From: 7, To: 7, Verdict: events.VerdictMissed, At: now}),
		"dead":   r.bus.PutDead(ctx, events.Trigger{ID: result.TriggerID, JobID: jobID}, result),
		"watch":  r.bus.PutFolderStates(ctx, []events.WatchState{{JobID: jobID, State: events.FolderLive}}, []events.WaitingFiles{{JobID: jobID, Files: []events.WaitingFile{{Path: "in/a.csv", State: events.FileOpen}}}}),
		"retry":  r.bus.PutRetryState(ctx, events.RetryState{JobID: jobID, Attempt: 3}),
		"system": r.bus.PutRole(ctx, events.RoleState{Role: "cron", Instance: uuid.NewString()[:8], Host: "secret-host", Ready: true, Clock: now}),
	} {
		if err != nil {
			r.t.Fatal(what, err)
		}
	}
}

// upTo reads n events, of any order of their kinds.
func (l *listener) upTo(n int) map[string]frame {
	l.t.Helper()
	got := map[string]frame{}
	for range n {
		f := l.next()
		if f.name == "" || got[f.name].name != "" {
			l.t.Fatalf("after %v comes %+v", got, f)
		}
		got[f.name] = f
	}
	return got
}

func TestKinds(t *testing.T) {
	r := newHarness(t)
	id := r.job("alice")
	alice, root, bob := r.listen("alice/viewer", "", ""), r.listen("root/admin", "", ""), r.listen("bob/operator", "", "")
	of := r.listen("alice/viewer", "?type=retry,dead", "")
	one := r.listen("alice/viewer", "?job_id="+id, "")
	r.kinds(id)
	got := alice.upTo(6)
	for kind, text := range map[string]string{
		"slot": `"verdict":"missed"`, "dead": `"trigger_id":"cron:` + id + `:1"`, "watch": `"state":"live"`, "file": `in/a.csv`, "retry": `"attempt":3`, "system": `"means":"Ready."`,
	} {
		if !strings.Contains(got[kind].data, text) {
			t.Errorf("%s is %+v; want %s", kind, got[kind], text)
		}
	}
	if f := got["dead"]; !regexp.MustCompile(`"id":"\d+","at":"2`).MatchString(f.data) {
		t.Errorf("a dead letter has no id: %s", f.data)
	}
	if f := got["system"]; strings.Contains(f.data, "secret") {
		t.Errorf("a viewer is told of a host: %s", f.data)
	}
	if f := root.upTo(6)["system"]; !strings.Contains(f.data, "secret-host") {
		t.Errorf("an administrator is not told of the host: %s", f.data)
	}
	if f := bob.next(); f.name != "system" {
		t.Errorf("bob is told of alice's: %+v", f)
	}
	if got := of.upTo(2); got["retry"].name == "" || got["dead"].name == "" {
		t.Errorf("of two kinds comes %v", got)
	}
	if got := one.upTo(5); got["system"].name != "" {
		t.Errorf("of one job comes %v", got)
	}
	// What bob may not see does not come later either.
	r.run("", "bob")
	bob.want("run", `"owner":"bob"`)
	resumed := r.listen("bob/operator", "", "j0-r0-u0-s0-d0-t0")
	if got := resumed.upTo(2); got["system"].name == "" || got["run"].name == "" {
		t.Errorf("from the beginning bob is told %v", got)
	}
	resp, _ := r.ask("alice/viewer", "?type=slots", "")
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown kind: %d", resp.StatusCode)
	}
}

// A role that says the same again and again is no news; one that says another thing is.
func TestRolesThatRepeat(t *testing.T) {
	r := newHarness(t)
	l := r.listen("root/admin", "?type=system,run", "")
	say := func(ready bool) {
		t.Helper()
		if err := r.bus.PutRole(t.Context(), events.RoleState{Role: "cron", Instance: "one", Ready: ready, Clock: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	say(true)
	l.want("system", `"state":"ok"`)
	for range 5 {
		say(true)
	}
	say(false)
	l.want("system", `"state":"failed"`)
	say(false)
	say(true)
	l.want("system", `"state":"ok"`)
}

func TestTail(t *testing.T) {
	r := newHarness(t)
	mine, theirs := r.job("alice"), r.job("bob")
	for n := range 600 { // more than is looked at first
		r.persist(theirs, n)
	}
	for n := range 5 {
		r.persist(mine, n)
		r.run(mine, "alice")
	}
	for n := range 700 {
		r.persist(theirs, 1000+n)
	}
	l := r.listen("alice/viewer", "?tail=4", "")
	want := []struct{ name, text string }{{"result", `"response":"3"`}, {"run", "ended"}, {"result", `"response":"4"`}, {"run", "ended"}}
	var second frame
	for i, w := range want {
		if f := l.want(w.name, w.text); i == 1 {
			second = f
		}
	}
	r.persist(mine, 9) // and what comes
	l.want("result", `"response":"9"`)

	// Cut off in the middle it goes on there; who resumes gets no tail.
	again := r.listen("alice/viewer", "?tail=4", second.id)
	again.want("result", `"response":"4"`)
	rest := map[string]int{}
	for range 2 {
		f := again.next()
		rest[f.name]++
	}
	if rest["run"] != 1 || rest["result"] != 1 {
		t.Errorf("then comes %v", rest)
	}
	// Fewer than are asked for, all of one job, of another kind.
	few := r.listen("alice/viewer", "?tail=50&type=job", "")
	few.want("job", mine)
	for _, bad := range []string{"0", "-1", "501", "x"} {
		if resp, _ := r.ask("alice/viewer", "?tail="+bad, ""); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("tail=%s: %d", bad, resp.StatusCode)
		}
	}
}

// An id of an older version names fewer kinds: of the others comes what is stored from
// then on.
func TestOlderIDs(t *testing.T) {
	r := newHarness(t)
	id := r.job("alice")
	r.kinds(id)
	r.persist(id, 1)
	old := r.listen("alice/viewer", "", "j0-r0-u0")
	got := old.upTo(2)
	if got["job"].name == "" || got["result"].name == "" {
		t.Errorf("comes %v", got)
	}
	if !regexp.MustCompile(`^j\d+-r\d+-u\d+-s[1-9]\d*-d[1-9]\d*-t[1-9]\d*$`).MatchString(old.id) {
		t.Errorf("the id is %s", old.id)
	}
	if err := r.bus.PutRetryState(t.Context(), events.RetryState{JobID: id, Attempt: 4}); err != nil {
		t.Fatal(err)
	}
	old.want("retry", `"attempt":4`)
	for _, bad := range []string{"j1", "j1-r2", "r1-j2-u3", "j1-r2-u3-x4", "j1-r2-u3-s4-d5-t6-z7", "j1-r2-u-1", fmt.Sprint("j1-r2-u3-s", 1<<62, "0")} {
		if resp, _ := r.ask("alice/viewer", "", bad); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, resp.StatusCode)
		}
	}
}

// What is stored after the position was taken comes to who opens the stream there, and
// what a list may not have had yet.
func TestPosition(t *testing.T) {
	r := newHarness(t)
	id := r.job("alice")
	first := r.listen("alice/viewer", "", "")
	eventstest.Eventually(t, "there is a position", func() bool { return r.stream.Position(0, 0) != "" })
	for n := range 5 {
		r.persist(id, n)
	}
	first.want("result", `"response":"0"`)
	at := r.stream.Position(0, 0)
	r.persist(id, 7)
	r.kinds(id)
	read := func(at string) string {
		t.Helper()
		var all []string
		for l := r.listen("alice/viewer", "?type=result,retry&last_event_id="+at, ""); len(all) == 0 || !strings.Contains(all[len(all)-1], "retry"); {
			f := l.next()
			if f.name == "" {
				t.Fatalf("the stream ends after %v", all)
			}
			all = append(all, regexp.MustCompile(`retry|"response":"\d+"`).FindString(f.name+f.data))
		}
		return strings.Join(all, " ")
	}
	if got := read(at); !strings.HasSuffix(got, `"response":"7" retry`) {
		t.Errorf("comes %s", got)
	}
	eventstest.Eventually(t, "the position follows", func() bool { return !strings.Contains(r.stream.Position(0, 0), "-t0") })
	if got := r.stream.Position(2, 0); !strings.Contains(got, "-r2-") {
		t.Errorf("with a list that has come to the second result the position is %s", got)
	}
}
