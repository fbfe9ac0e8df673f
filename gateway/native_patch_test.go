package gateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/jet"
)

func TestPatch(t *testing.T) {
	s := newHarness(t)
	const whole = `{"spool":{"timezone":"UTC"},"name":"n","schedule":"@daily","flow_parameters":{"settings":{"z":12345678901234567890,"a":1e400,"tags":["x"]},` +
		`"auth_token":"t","binary_path":"a/r/fs/D/f","input_dir":"a/r/fs/D/in"}}`
	masked := strings.Replace(whole, `"t"`, `"********"`, 1)
	for _, c := range []struct {
		name, patch, want string
		moves             bool // its slots count anew
		still             bool // no event
	}{
		{name: "nothing", patch: `{}`, want: masked, still: true},
		{name: "what it is", patch: `{"name":"n","flow_parameters":{"settings":{"tags":["x"]},"auth_token":"********"}}`, want: masked, still: true},
		{name: "taking out what is not there", patch: `{"spool":{"catch_up":null},"other":null}`, want: masked, still: true},
		{name: "the name", patch: `{"name":"m"}`, want: strings.Replace(masked, `"n"`, `"m"`, 1)},
		{name: "the schedule", patch: `{"schedule":"@hourly"}`, want: strings.Replace(masked, "@daily", "@hourly", 1), moves: true},
		{name: "the zone", patch: `{"spool":{"timezone":"Asia/Tokyo"}}`, want: strings.Replace(masked, `"UTC"`, `"Asia/Tokyo"`, 1), moves: true},
		{name: "no zone", patch: `{"spool":{"timezone":null}}`, want: strings.Replace(masked, `"timezone":"UTC"`, "", 1), moves: true},
		{name: "no options", patch: `{"spool":null}`, want: strings.Replace(masked, `"spool":{"timezone":"UTC"},`, "", 1), moves: true},
		{name: "another option", patch: `{"spool":{"catch_up":"all"}}`, want: strings.Replace(masked, `"UTC"}`, `"UTC","catch_up":"all"}`, 1)},
		{name: "the mode", patch: `{"flow_parameters":{"settings":{"spooled_mode":true}}}`, want: strings.Replace(masked, `["x"]}`, `["x"],"spooled_mode":true}`, 1), moves: true},
		{name: "a list", patch: `{"flow_parameters":{"settings":{"tags":["y","z"]}}}`, want: strings.Replace(masked, `["x"]`, `["y","z"]`, 1)},
		{name: "a secret", patch: `{"flow_parameters":{"auth_token":"new"}}`, want: masked},
		{
			name: "an object where none was", patch: `{"flow_parameters":{"settings":{"tags":null,"runtime_config":{"a":{"b":null,"c":1}}}}}`,
			want: strings.Replace(masked, `"tags":["x"]`, `"runtime_config":{"a":{"c":1}}`, 1),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, tag := s.made(s.admin, whole)
			a := s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, c.patch)
			got := into[nativeJob](t, a, http.StatusOK)
			if diff := cmp.Diff(c.want, string(got.Parameters)); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
			if moved := got.EffectiveFrom.After(j.EffectiveFrom); moved != c.moves {
				t.Errorf("slots count anew: %v", moved)
			}
			if still := a.header.Get("ETag") == tag; still != c.still {
				t.Errorf("ETag %s became %s", tag, a.header.Get("ETag"))
			}
			if now, tag := s.read(j.ID); tag != a.header.Get("ETag") || string(now.Parameters) != string(got.Parameters) || now.Name != got.Name {
				t.Errorf("stored is %s %+v", tag, now)
			}
			n := strings.Count(string(s.native(http.MethodGet, "jobs/"+j.ID+"/history", s.admin, "").body), `"event":"updated"`)
			if want := map[bool]int{true: 0, false: 1}[c.still]; n != want {
				t.Errorf("%d events; want %d", n, want)
			}
		})
	}
}

func TestPatchOfSecrets(t *testing.T) {
	s := newHarness(t)
	hook := func(headers string) string {
		return `{"flow_parameters":{"settings":{"webhook_config":{"headers":` + headers + `}}}}`
	}
	j, _ := s.made(s.admin, body{token: `"t1"`, settings: `{"webhook_config":{"url":"https://x.y/z","headers":{"X-A":"a1","X-B":"b1"}}}`}.String())
	secrets := func() map[string]string {
		t.Helper()
		rev, err := s.bus.Job(t.Context(), j.ID)
		if err != nil {
			t.Fatal(err)
		}
		open := map[string]string{}
		for pointer, sealed := range rev.Event.Job.Secrets {
			if open[pointer[strings.LastIndexByte(pointer, '/')+1:]], err = s.key.Open(sealed, j.ID, pointer); err != nil {
				t.Error(err)
			}
		}
		return open
	}
	for _, c := range []struct {
		patch string
		want  map[string]string
	}{
		{hook(`{"X-A":"********","X-B":"b2"}`), map[string]string{"auth_token": "t1", "X-A": "a1", "X-B": "b2", "url": "https://x.y/z"}},
		{hook(`{"X-A":null,"X-C":"c1"}`), map[string]string{"auth_token": "t1", "X-B": "b2", "X-C": "c1", "url": "https://x.y/z"}},
		{`{"flow_parameters":{"auth_token":"t2"}}`, map[string]string{"auth_token": "t2", "X-B": "b2", "X-C": "c1", "url": "https://x.y/z"}},
		{`{"flow_parameters":{"auth_token":"********","settings":{"webhook_config":null}}}`, map[string]string{"auth_token": "t2"}},
	} {
		a := s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, c.patch)
		into[nativeJob](t, a, http.StatusOK)
		if diff := cmp.Diff(c.want, secrets()); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", c.patch, diff)
		}
		for secret := range strings.FieldsSeq("t1 a1 b2 c1 t2") {
			if strings.Contains(string(a.body), `"`+secret+`"`) {
				t.Errorf("the answer shows %s: %s", secret, a.body)
			}
		}
	}
	// A mask means what it meant: under another name there is no secret.
	wantFault(t, s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, hook(`{"X-B":"********"}`)), http.StatusBadRequest, "X-B: is the mask")
}

func TestPatchIsBounded(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	larger := func(key string) answer {
		patch := `{"flow_parameters":{"settings":{"` + key + `":"` + strings.Repeat("x", 200<<10) + `"}}}`
		return s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, patch)
	}
	into[nativeJob](t, larger("a"), http.StatusOK)
	wantFault(t, larger("b"), http.StatusBadRequest, "with this patch the job is longer than 256 KiB")
}

func TestIfMatch(t *testing.T) {
	s := newHarness(t)
	j, tag := s.made(s.admin, body{}.String())
	path := "jobs/" + j.ID
	for _, c := range []struct {
		match string
		want  int
	}{
		{`"1000"`, 412},
		{`W/` + tag, 412},
		{`"1000", "1001"`, 412},
		{`1000`, 400},
		{`"`, 400},
		{`*, "1"`, 400},
		{`"1000" , ` + tag, 200},
		{`*`, 200},
		{tag, 412}, // the one before has changed it
	} {
		a := s.native(http.MethodPatch, path, s.admin, fmt.Sprintf(`{"name":%q}`, "n "+c.match), "If-Match", c.match)
		if a.code != c.want {
			t.Errorf("If-Match %s answers %d %s; want %d", c.match, a.code, a.body, c.want)
		}
		if c.want >= 400 {
			wantFault(t, a, c.want, "If-Match")
		}
	}
	_, now := s.read(j.ID)
	wantFault(t, s.native(http.MethodDelete, path, s.admin, "", "If-Match", tag), http.StatusPreconditionFailed, "its ETag is "+now+" now")
	wantFault(t, s.native(http.MethodDelete, path, s.admin, "", "If-Match", "x"), http.StatusBadRequest, "If-Match")
	if a := s.native(http.MethodDelete, path, s.admin, "", "If-Match", now); a.code != http.StatusNoContent {
		t.Errorf("DELETE answers %d %s", a.code, a.body)
	}
}

// Of any number of callers with one ETag exactly one succeeds.
func TestOneOfManyPatchesWins(t *testing.T) {
	s := newHarness(t)
	j, tag := s.made(s.admin, body{}.String())
	for round := range 5 {
		const callers = 16
		answers := make([]answer, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				answers[i] = s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, fmt.Sprintf(`{"name":"%d of %d"}`, i, round), "If-Match", tag)
			})
		}
		wg.Wait()
		won := -1
		for i, a := range answers {
			switch {
			case a.code == http.StatusOK && won < 0:
				won = i
			case a.code != http.StatusPreconditionFailed:
				t.Errorf("round %d: caller %d is answered %d %s; %d has won", round, i, a.code, a.body, won)
			}
		}
		if won < 0 {
			t.Fatalf("round %d: nobody won", round)
		}
		now, at := s.read(j.ID)
		if now.Name != fmt.Sprintf("%d of %d", won, round) || at != answers[won].header.Get("ETag") {
			t.Errorf("round %d: the job is %q %s; %d won", round, now.Name, at, won)
		}
		tag = at
	}
}

// Without If-Match the last writer wins, and nobody undoes what others patched.
func TestPatchesOfDifferentFieldsAllStay(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	var wg sync.WaitGroup
	const callers = 4
	for i := range callers {
		wg.Go(func() {
			for n := range 5 {
				patch := fmt.Sprintf(`{"flow_parameters":{"settings":{"key%d":%d}}}`, i, n)
				if a := s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, patch); a.code != http.StatusOK {
					t.Errorf("answer %d %s", a.code, a.body)
				}
			}
		})
	}
	wg.Wait()
	now, _ := s.read(j.ID)
	for i := range callers {
		if want := fmt.Sprintf(`"key%d":4`, i); !strings.Contains(string(now.Parameters), want) {
			t.Errorf("%s is lost: %s", want, now.Parameters)
		}
	}
}

func TestHistory(t *testing.T) {
	s := newHarness(t)
	alice := s.user("alice", events.Operator)
	j, _ := s.made(alice, body{}.String())
	for _, step := range []struct{ path, body string }{
		{"", `{"name":"m","flow_parameters":{"settings":{"tags":["x"],"webhook_config":{"url":"https://x.y","headers":{"X-A":"1"}}}}}`},
		{"/disable", ""},
		{"", `{"flow_parameters":{"auth_token":"new","settings":{"webhook_config":{"headers":{"X-A":"2"}}}},"spool":{"catch_up":"all"}}`},
		{"", `{"spool":null,"flow_parameters":{"settings":{"webhook_config":null}}}`},
		{"/enable", ""},
	} {
		method := http.MethodPost
		if step.path == "" {
			method = http.MethodPatch
		}
		if a := s.native(method, "jobs/"+j.ID+step.path, s.admin, step.body); a.code != http.StatusOK {
			t.Fatalf("answer %d %s", a.code, a.body)
		}
	}
	const set = "flow_parameters.settings."
	want := []string{
		"enabled by admin: status",
		"updated by admin: " + set + "webhook_config spool",
		"updated by admin: flow_parameters.auth_token " + set + "webhook_config.headers.X-A spool",
		"disabled by admin: status",
		"updated by admin: " + set + "tags " + set + "webhook_config name",
		"created by alice: ",
	}
	type entry struct {
		Event, By, From, At string
		Changed             []string
	}
	var got []string
	token := ""
	for pages := 0; ; pages++ {
		page := into[struct {
			History []entry
			Next    string `json:"next_page_token"`
		}](t, s.native(http.MethodGet, "jobs/"+j.ID+"/history?limit=2&page_token="+token, alice, ""), http.StatusOK)
		for _, e := range page.History {
			got = append(got, e.Event+" by "+e.By+": "+strings.Join(e.Changed, " "))
			if e.From != "127.0.0.1" || !strings.HasSuffix(e.At, "Z") || e.Changed == nil {
				t.Errorf("the entry is %+v", e)
			}
		}
		if token = page.Next; token == "" || pages > 5 {
			break
		}
		if len(page.History) != 2 {
			t.Errorf("a page of %d", len(page.History))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestTriggerByKey(t *testing.T) {
	s := newHarness(t)
	alice := s.user("alice", events.Operator)
	j, _ := s.made(alice, body{}.String())
	k, _ := s.made(alice, body{}.String())
	trigger := func(id, token string, header ...string) string {
		t.Helper()
		a := s.native(http.MethodPost, "jobs/"+id+"/trigger", token, "", header...)
		return into[struct {
			ID string `json:"trigger_id"`
		}](t, a, http.StatusAccepted).ID
	}
	first := trigger(j.ID, alice, "Idempotency-Key", "order 66")
	if again := trigger(j.ID, alice, "Idempotency-Key", "order 66"); again != first {
		t.Errorf("the same key gave %s, then %s", first, again)
	}
	others := []string{
		first,
		trigger(j.ID, alice, "Idempotency-Key", "order 67"), trigger(j.ID, s.admin, "Idempotency-Key", "order 66"),
		trigger(k.ID, alice, "Idempotency-Key", "order 66"), trigger(j.ID, alice), trigger(j.ID, alice),
	}
	slices.Sort(others)
	if distinct := slices.Compact(slices.Clone(others)); len(distinct) != len(others) {
		t.Errorf("triggers %v", others)
	}
	queued := map[string]bool{}
	for _, id := range []string{j.ID, k.ID} {
		err := s.bus.Triggers(events.KindManual, id).Newest(t.Context(), 0, func(m jet.Entry[events.Trigger]) bool {
			got, err := m.Value()
			if err != nil || queued[got.ID] || got.JobID != id {
				t.Errorf("queued: %+v, %v", got, err)
			}
			queued[got.ID] = true
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(queued) != len(others) {
		t.Errorf("%d triggers are queued; want %d", len(queued), len(others))
	}
}
