package gateway_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"spool.internal/events"
)

// Every caller on every endpoint that takes a path or sets a job going, with
// paths of its own and of others.
func TestPaths(t *testing.T) {
	s, _ := newDriveHarness(t)
	legacy := s.user("bob", events.Operator) // stored without paths, as by a version before
	tokens := map[string]string{
		"admin": s.admin, "legacy": legacy,
		"bob":    s.newToken(`{"owner":"bob","role":"operator"}`).Token,
		"viewer": s.newToken(`{"owner":"bob","role":"viewer"}`).Token,
		"narrow": s.newToken(`{"owner":"bob","role":"operator","paths":["bob/r/fs/D/in","bob/r/fs/D/out","bob/r/fs/D/flow"]}`).Token,
		"shared": s.newToken(`{"owner":"bob","role":"operator","paths":["/bob//","ann/r/fs/D/in/"]}`).Token,
	}
	everywhere := []string{
		"bob/r/fs/D/in/x", "bob/r/fs/D/inn/x", "bob/r/fs/D2/in/x", "bobby/r/fs/D/in/x", "bo/r/fs/D/in/x", "Bob/r/fs/D/in/x",
		"ann/r/fs/D/in/x", "ann/r/fs/D/inner/x", "ann/r/fs/D/x", "admin/r/fs/bob/x", "b%C3%B6b/r/fs/D/x", "bob%20/r/fs/D/x",
	}
	own := map[string][]string{
		"admin": everywhere, "legacy": everywhere,
		"bob":    everywhere[:3],
		"viewer": everywhere[:3],
		"narrow": everywhere[:1],
		"shared": append(everywhere[:3:3], "ann/r/fs/D/in/x"),
	}
	const outside = "lies outside what this token reaches"
	for _, path := range everywhere {
		wantCode(t, s.send(http.MethodPut, filesPath+path, s.admin, "x"), http.StatusNoContent)
	}
	for who, token := range tokens {
		for _, path := range everywhere {
			mine := slices.Contains(own[who], path)
			for _, there := range []bool{true, false} {
				url := filesPath + path
				if !there {
					url += "-none"
				}
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
					a := s.send(method, url, token, "")
					reader := who == "viewer" && (method == http.MethodPut || method == http.MethodDelete)
					switch {
					case reader:
						wantProblem(t, a, http.StatusForbidden, "may only read")
					case mine && a.code == http.StatusForbidden:
						t.Errorf("%s: %s %s is refused: %s", who, method, url, a.body)
					case !mine && method == http.MethodHead:
						wantCode(t, a, http.StatusForbidden)
					case !mine:
						wantProblem(t, a, http.StatusForbidden, outside)
					}
				}
			}
			wantCode(t, s.send(http.MethodPut, filesPath+path, s.admin, "x"), http.StatusNoContent)
		}
		listing := s.send(http.MethodGet, filesPath+"ann/r/fs/D", token, "")
		if want := who == "admin" || who == "legacy"; (listing.code == http.StatusOK) != want {
			t.Errorf("%s lists ann's drive: %d", who, listing.code)
		}
	}
}

// jobOn is a create body whose three paths are given.
func jobOn(binary, input, output string) string {
	return body{binary: `"` + binary + `"`, input: `"` + input + `"`, settings: `{"output_dir":"` + output + `"}`}.String()
}

func TestPathsOfJobs(t *testing.T) {
	s, _ := newDriveHarness(t)
	bob := s.newToken(`{"owner":"bob","role":"operator"}`).Token
	legacy := s.user("bob", events.Operator)
	const flow, in, out = "bob/r/fs/D/flow", "bob/r/fs/D/in", "bob/r/fs/D/out"
	foreign := map[string]string{
		"binary_path":         jobOn("ann/r/fs/D/flow", in, out),
		"input_dir":           jobOn(flow, "bobby/r/fs/D/in", out),
		"settings.output_dir": jobOn(flow, in, "ann/r/fs/D/out"),
	}
	for field, text := range foreign {
		wantFault(t, s.native(http.MethodPost, "jobs", bob, text), http.StatusForbidden, field)
		if a := s.send(http.MethodPost, v1Path+"create_job", bob, text); a.status() != "ERROR" || !strings.Contains(a.msg(), field) {
			t.Errorf("v1, %s: %d %s", field, a.code, a.body)
		}
		// What it goes on with is as it is, but who asks must reach it.
		j, _ := s.made(legacy, text)
		s.made(s.admin, text)
		stage := events.File{Path: "f", InputDir: "bob/r/fs/D/.spool/" + j.ID + "/fp/input"}
		trigger := events.Trigger{ID: events.ManualTriggerID(j.ID, "n"), JobID: j.ID, Kind: events.KindManual, File: &stage}
		res := events.Result{TriggerID: trigger.ID, JobID: j.ID, Kind: events.KindManual, Status: events.ERROR, HTTP: events.HTTPResult{Status: "0"}}
		s.keep(res)
		if err := s.bus.PutDead(t.Context(), trigger, res); err != nil {
			t.Fatal(err)
		}
		dead := into[struct {
			Dead []struct{ ID string } `json:"dead_letters"`
		}](t, s.native(http.MethodGet, "dead-letters?limit=1", bob, ""), http.StatusOK).Dead[0].ID
		asked := map[string]func(token string) answer{
			"patch":   func(tok string) answer { return s.native(http.MethodPatch, "jobs/"+j.ID, tok, `{"name":"m"}`) },
			"trigger": func(tok string) answer { return s.native(http.MethodPost, "jobs/"+j.ID+"/trigger", tok, "") },
			"rerun":   func(tok string) answer { return s.native(http.MethodPost, "results/"+trigger.ID+"/rerun", tok, "") },
			"reprocess": func(tok string) answer {
				return s.native(http.MethodPost, "jobs/"+j.ID+"/files/reprocess", tok, `{"path":"f"}`)
			},
			"retry": func(tok string) answer { return s.native(http.MethodPost, "dead-letters/"+dead+"/retry", tok, "") },
		}
		for _, what := range slices.Sorted(maps.Keys(asked)) {
			wantFault(t, asked[what](bob), http.StatusForbidden, field)
			if a := asked[what](legacy); a.code == http.StatusForbidden {
				t.Errorf("%s by a token that reaches all: %s", what, a.body)
			}
		}
		if a := s.send(http.MethodPost, v1Path+"trigger_job", bob, `{"job_id":"`+j.ID+`"}`); a.status() != "ERROR" || !strings.Contains(a.msg(), field) {
			t.Errorf("v1 trigger: %s", a.body)
		}
		// It may always be stopped; it is not started again by this token.
		wantCode(t, s.native(http.MethodPost, "jobs/"+j.ID+"/disable", bob, ""), http.StatusOK)
		wantFault(t, s.native(http.MethodPost, "jobs/"+j.ID+"/enable", bob, ""), http.StatusForbidden, field)
		wantCode(t, s.native(http.MethodDelete, "jobs/"+j.ID, bob, ""), http.StatusNoContent)
	}
	mine, _ := s.made(bob, jobOn(flow, in, out))
	for field, text := range map[string]string{
		"binary_path":         `{"flow_parameters":{"binary_path":"ann/r/fs/D/flow"}}`,
		"input_dir":           `{"flow_parameters":{"input_dir":"bobby/r/fs/D/in"}}`,
		"settings.output_dir": `{"flow_parameters":{"settings":{"output_dir":"ann/r/fs/D/out"}}}`,
	} {
		wantFault(t, s.native(http.MethodPatch, "jobs/"+mine.ID, bob, text), http.StatusForbidden, field)
	}
	// The output folder that nobody named is one of its paths, too.
	narrow := s.newToken(`{"owner":"bob","role":"operator","paths":["bob/r/fs/D/in","bob/r/fs/D/flow"]}`).Token
	wantFault(t, s.native(http.MethodPost, "jobs", narrow, body{binary: `"` + flow + `"`, input: `"` + in + `"`}.String()), http.StatusForbidden, "settings.output_dir")
	wantFault(t, s.native(http.MethodPost, "jobs", s.admin, body{settings: `{"output_dir":"a/r/fs/D","delete_out_dir":true}`}.String()),
		http.StatusBadRequest, "settings.delete_out_dir")
	for field, text := range map[string]string{
		"binary_path":         jobOn("bob/r/fs/D/.spool/x", in, out),
		"input_dir":           jobOn(flow, "bob/r/fs/D/.Spool", out),
		"settings.output_dir": jobOn(flow, in, "bob/r/fs/D/x/.spool/y"),
	} {
		wantFault(t, s.native(http.MethodPost, "jobs", s.admin, text), http.StatusBadRequest, field)
	}
}

func TestTokenPaths(t *testing.T) {
	s := newHarness(t)
	s.user("old", events.Operator)
	for text, want := range map[string]string{
		`{"owner":"b","role":"admin","paths":["b/"]}`:               "paths: an administrator reaches every path",
		`{"owner":"b","role":"admin","paths":[]}`:                   "paths: an administrator",
		`{"owner":"b","role":"viewer","paths":[]}`:                  "paths: names no path",
		`{"owner":"b","role":"viewer","paths":["a/../b"]}`:          "paths: contains",
		`{"owner":"b","role":"viewer","paths":["a/r/D/x"]}`:         "paths: ",
		`{"owner":"b","role":"viewer","paths":["a\u0000"]}`:         "paths: contains a NUL",
		`{"owner":"b","role":"viewer","paths":"a/"}`:                "paths",
		`{"owner":"..","role":"viewer"}`:                            "owner: ",
		`{"owner":"a/b","role":"viewer"}`:                           "owner: contains a slash",
		`{"owner":" a","role":"viewer"}`:                            "owner: ",
		`{"owner":"` + "e\u0301" + `","role":"viewer"}`:             "NFC",
		`{"owner":"b","role":"viewer","paths":["a/"],"path":["b"]}`: "path",
	} {
		wantFault(t, s.native(http.MethodPost, "tokens", s.admin, text), http.StatusBadRequest, want)
	}
	s.newToken(`{"owner":"b","role":"viewer"}`)
	s.newToken(`{"owner":"b","role":"viewer","paths":["/c/r/","c/r"]}`)
	list := into[struct {
		Tokens []struct {
			Owner string
			Paths []string
			All   bool `json:"all_paths"`
		}
	}](t, s.native(http.MethodGet, "tokens", s.admin, ""), http.StatusOK).Tokens
	if got, want := fmt.Sprint(list), "[{admin [] true} {old [] true} {b [b/] false} {b [c/r/] false}]"; got != want {
		t.Errorf("the tokens are %s, want %s", got, want)
	}
}

// A link that somebody's flow has left leads to nothing that the token does not
// reach, and to nothing that is Spool's own.
func TestPathsBehindLinks(t *testing.T) {
	s, dir := newDriveHarness(t)
	const drive = "admin/repo/fs/My%20Drive/"
	for name, text := range map[string]string{"mine/f": "mine", "theirs/f": "theirs", ".spool/j/p/input/f": "staged"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"l": "../theirs", "lf": "../theirs/f", "ok": "../mine", "s": "../.spool/j/p/input", "sf": "../.spool/j/p/input/f", "up": ".."} {
		if err := os.Symlink(target, filepath.Join(dir, "mine", name)); err != nil {
			t.Fatal(err)
		}
	}
	narrow := s.newToken(`{"owner":"bob","role":"operator","paths":["admin/repo/fs/My Drive/mine"]}`).Token
	for name, codes := range map[string][2]int{ // of the narrow token and of the admin
		"f": {200, 200}, "ok/f": {200, 200}, "lf": {403, 200}, "l/f": {403, 200}, "l": {403, 200}, "up/theirs/f": {403, 200}, "up": {403, 200},
		"l/none": {403, 404}, "sf": {403, 404}, "s": {403, 404}, "s/f": {403, 404}, "up/.spool/j/p/input/f": {404, 404}, "ok/sf": {403, 404},
	} {
		for i, token := range []string{narrow, s.admin} {
			if a := s.send(http.MethodGet, filesPath+drive+"mine/"+name, token, ""); a.code != codes[i] {
				t.Errorf("GET %s: %d %s, want %d", name, a.code, a.body, codes[i])
			}
		}
	}
	for _, name := range []string{"l/new", "l/deep/new", "l/f", "s/new", "s/f", "up/theirs/f", "up/new", "up/.spool/new"} {
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			if a := s.send(method, filesPath+drive+"mine/"+name, narrow, "x"); a.code != http.StatusForbidden && a.code != http.StatusNotFound {
				t.Errorf("%s %s: %d %s", method, name, a.code, a.body)
			}
		}
	}
	if got, want := left(t, dir), ".spool .spool/j .spool/j/p .spool/j/p/input .spool/j/p/input/f mine mine/f mine/l mine/lf mine/ok mine/s mine/sf mine/up theirs theirs/f"; got != want {
		t.Errorf("left is %s", got)
	}
	page := into[struct{ Nodes []struct{ Name string } }](t, s.send(http.MethodGet, filesPath+drive+"mine", narrow, ""), http.StatusOK)
	if got := fmt.Sprint(page.Nodes); got != "[{f} {ok}]" {
		t.Errorf("listed are %s", got)
	}
}
