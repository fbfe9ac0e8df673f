package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// ask sends a request to the native API, as an administrator unless a token is
// given, and gives the status and the body.
func (p *harness) ask(method, path, token string, body any) (int, string) {
	p.Helper()
	if token == "" {
		token = p.adminToken()
	}
	var text []byte
	if body != nil {
		text = events.Encode(body)
	}
	status, answer := p.exchange(method, "http://"+p.api+"/api/v2/"+path, token, text)
	return status, string(answer)
}

// looped is a harness with a flow that copies its file, under a longer name, and
// the jobs of a test.
type looped struct {
	*harness
	bus *jet.Bus
}

func newLooped(t *testing.T, more ...string) *looped {
	p := newHarness(t)
	p.flow("copy.ibflowbin", "#!/bin/sh\nfor f in \"$1\"/*; do cp \"$f\" \"$2/$(basename \"$f\").n\"; done\n")
	p.serve(append([]string{"--durability", "interval"}, more...)...)
	return &looped{p, p.bus()}
}

// watch makes a job that watches a folder with all below it.
func (l *looped) watch(name, in, out string, settings map[string]any) string {
	l.Helper()
	if err := os.MkdirAll(filepath.Join(l.dir, in), 0o755); err != nil {
		l.Fatal(err)
	}
	all := map[string]any{"spooled_mode": true, "output_dir": testDrive + "/" + out}
	maps.Copy(all, settings)
	code, text := l.ask(http.MethodPost, "jobs", "", map[string]any{
		"name": name,
		"flow_parameters": map[string]any{
			"auth_token": "any", "binary_path": testDrive + "/copy.ibflowbin", "input_dir": testDrive + "/" + in, "settings": all,
		},
		"spool": map[string]any{"watch": map[string]any{"recursive": true}},
	})
	if code != http.StatusCreated {
		l.Fatalf("create %s: %d %s", name, code, text)
	}
	_, id, _ := strings.Cut(text, `"job_id":"`)
	return id[:36]
}

func (l *looped) drop(name string) {
	l.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(name), 0o644); err != nil {
		l.Fatal(err)
	}
}

func (l *looped) runs(job string) []events.RunEvent {
	l.Helper()
	return read(l.harness, l.bus.Runs(events.Accepted, job))
}

type shownJob struct {
	Watch events.WatchState `json:"watch"`
}

// held waits until a job shows so many held files.
func (l *looped) held(job string, n int) events.WatchState {
	l.Helper()
	var j shownJob
	l.eventually(fmt.Sprintf("%d files are held", n), func() bool {
		j = shownJob{}
		l.get("/api/v2/jobs/"+job, &j)
		return j.Watch.Held == n
	})
	return j.Watch
}

func (l *looped) wantRuns(job string, n int) {
	l.Helper()
	if got := len(l.runs(job)); got != n {
		l.Errorf("%d runs, want %d", got, n)
	}
}

// In a ring each job runs once for a file that is dropped; what comes back is
// held, with the ring, until the ring is cut, or somebody asks for it.
func TestRings(t *testing.T) {
	t.Parallel()
	l := newLooped(t)
	const shared = "output_has_run_id"
	for _, tc := range []struct {
		name     string
		jobs     []string
		settings map[string]any
		ignore   string
	}{
		{"two", []string{"a", "b"}, nil, "????????-??????-????????-????-????-????-????????????"},
		{"three", []string{"c", "d", "e"}, nil, "????????-??????-????????-????-????-????-????????????"},
		{"two that share folders", []string{"f", "g"}, map[string]any{shared: false}, "*.n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := &looped{&harness{TB: t, data: l.data, dir: l.dir, nats: l.nats, api: l.api}, l.bus}
			var ids []string
			for i, job := range tc.jobs {
				ids = append(ids, l.watch(job, job, tc.jobs[(i+1)%len(tc.jobs)], tc.settings))
			}
			for round := 1; round <= 2; round++ {
				l.drop(fmt.Sprintf("%s/x%d", tc.jobs[0], round))
				state := l.held(ids[0], round)
				if want := strings.Join(append(slices.Clone(tc.jobs), tc.jobs[0]), " → "); state.Ring != want || state.Ignore != tc.ignore {
					t.Errorf("shown are ring %q, ignore %q; want %q, %q", state.Ring, state.Ignore, want, tc.ignore)
				}
				for _, id := range ids {
					l.wantRuns(id, round)
				}
			}
			chain := l.runs(ids[len(ids)-1])[0].Chain
			if !slices.Equal(chain, ids[:len(ids)-1]) {
				t.Errorf("the last run's chain is %v, the jobs are %v", chain, ids)
			}
		})
	}
}

// What is held goes on once when it is asked for, and for good when the ring is
// cut; what is ignored is not counted any more.
func TestLongHeldGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	l := newLooped(t)
	a, b := l.watch("a", "a", "b", nil), l.watch("b", "b", "a", nil)
	l.drop("a/x")
	l.held(a, 1)
	run := l.runs(b)[0].OutputFolder
	path := strings.TrimPrefix(run, testDrive+"/a/") + "/x.n.n"
	code, text := l.ask(http.MethodGet, "jobs/"+a+"/files?path="+url.QueryEscape(path), "", nil)
	if code != http.StatusOK || !strings.Contains(text, `"held":{"reason":"the file comes out of runs that this job began: a → b → a"`) {
		t.Errorf("files?path=: %d %s", code, text)
	}

	if code, text := l.ask(http.MethodPost, "jobs/"+a+"/files/reprocess", "", map[string]any{"path": path}); code != http.StatusAccepted {
		t.Fatalf("reprocess: %d %s", code, text)
	}
	l.eventually("it has run, and what came of it is held", func() bool { return len(l.runs(a)) == 2 && len(l.runs(b)) == 2 })
	l.held(a, 1)
	l.wantRuns(a, 2)

	patch := func(job string, body map[string]any) {
		t.Helper()
		if code, text := l.ask(http.MethodPatch, "jobs/"+job, "", body); code != http.StatusOK {
			t.Fatalf("patch: %d %s", code, text)
		}
	}
	patch(a, map[string]any{"name": "another name"})
	l.drop("a/y")
	l.held(a, 2)
	l.wantRuns(a, 3)

	patch(b, map[string]any{"flow_parameters": map[string]any{"settings": map[string]any{"output_dir": testDrive + "/elsewhere"}}})
	l.held(a, 0)
	l.eventually("both have run", func() bool { return len(l.runs(a)) == 5 && len(l.runs(b)) == 5 })

	patch(b, map[string]any{"flow_parameters": map[string]any{"settings": map[string]any{"output_dir": testDrive + "/a"}}})
	l.drop("a/z")
	state := l.held(a, 1)
	patch(a, map[string]any{"spool": map[string]any{"watch": map[string]any{"ignore": []string{state.Ignore}}}})
	l.held(a, 0)
	l.drop("a/last")
	l.eventually("it has come round", func() bool { return len(l.runs(b)) == 7 })
	l.drop("a/more")
	l.eventually("it has come round", func() bool { return len(l.runs(b)) == 8 })
	l.wantRuns(a, 8)
}

// A chain without a ring is as long as --max-depth says.
func TestLongDepth(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	l := newLooped(t, "--max-depth", "3")
	var ids []string
	for i := range 4 {
		ids = append(ids, l.watch(fmt.Sprint("j", i), fmt.Sprint("s", i), fmt.Sprint("s", i+1), nil))
	}
	l.drop("s0/x")
	if state := l.held(ids[3], 1); state.Ring != "j0 → j1 → j2 → j3" {
		t.Errorf("shown is %q", state.Ring)
	}
	for i, id := range ids {
		l.wantRuns(id, min(1, 3-i))
	}
}

// A link, made after the job, that leads its output back: what comes of the
// first run is held, or not looked at, and the folder is blocked once that is seen.
func TestLateLink(t *testing.T) {
	t.Parallel()
	l := newLooped(t)
	for name, settings := range map[string]map[string]any{"own": nil, "shared": {"output_has_run_id": false}} {
		id := l.watch(name, name+"/in", name+"/out", settings)
		l.eventually("live", func() bool {
			var j shownJob
			l.get("/api/v2/jobs/"+id, &j)
			return j.Watch.State == "live"
		})
		if err := os.Symlink("in", filepath.Join(l.dir, name, "out")); err != nil {
			t.Fatal(err)
		}
		l.drop(name + "/in/x")
		state := l.held(id, 1)
		if want := name + " → " + name; state.Ring != want {
			t.Errorf("%s: shown is %q, want %q", name, state.Ring, want)
		}
		l.wantRuns(id, 1)
		code, text := l.ask(http.MethodPatch, "jobs/"+id, "", map[string]any{"name": name + " again"})
		if code != http.StatusBadRequest || !strings.Contains(text, "output_dir") {
			t.Errorf("%s: an edit is answered with %d %s", name, code, text)
		}
	}
}

// Restarts do not set free what is held.
func TestLongHeldStays(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	p := newHarness(t)
	p.flow("copy.ibflowbin", "#!/bin/sh\ncp \"$1\"/* \"$2\"\n")
	pr := p.serve("--durability", "interval")
	l := &looped{p, nil}
	a, b := l.watch("a", "a", "b", map[string]any{"output_has_run_id": false}), l.watch("b", "b", "a", map[string]any{"output_has_run_id": false})
	l.drop("a/x")
	l.held(a, 1)
	pr.kill()
	pr.start()
	l.bus = p.bus()
	l.held(a, 1)
	l.drop("a/y")
	l.held(a, 2)
	l.wantRuns(a, 2)
	l.wantRuns(b, 2)
}
