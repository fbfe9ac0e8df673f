package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// Three machines, each with a drive of its own and one that all share: files run where they lie, whichever
// machine is asked, and wait by name while theirs is away.
func TestLongPlaces(t *testing.T) {
	long(t)
	dir := t.TempDir()
	t.Chdir(dir)
	var machines []string
	for i := range 3 {
		machines = append(machines, fmt.Sprintf("m%d=%s", i+1, eventstest.FreeAddress(t)))
	}
	if out, code := spool(t, append([]string{"cluster", "init", "--name", "prod"}, machines...)...); code != 0 {
		t.Fatal(out)
	}
	shared := t.TempDir()
	var all []*harness
	var procs []*process
	for i := range 3 {
		p := newHarness(t)
		all = append(all, p)
		pr := &process{p: p, log: &lockedBuffer{}, args: []string{
			"serve", "--data", p.data, "--bundle", filepath.Join(dir, "prod.bundle", fmt.Sprint("m", i+1)), "--listen", p.api, "--advertise-url", "http://" + p.api,
			"--drive", fmt.Sprintf("%s%d=%s", testDrive, i+1, p.dir), "--shared-drive", testDrive + "S=" + shared,
		}}
		pr.launch()
		t.Cleanup(pr.kill)
		procs = append(procs, pr)
	}
	token := func() string {
		text, _ := os.ReadFile("prod.bundle/m1/admin.token")
		return strings.TrimSpace(string(text))
	}()
	ask := func(at int, method, path string, body []byte) (int, string) {
		status, text := all[at].exchange(method, "http://"+all[at].api+path, token, body)
		return status, string(text)
	}
	for i, p := range all {
		p.eventually("ready", func() bool { return strings.Contains(procs[i].log.String(), "msg=ready") })
	}
	one := testDrive + "1"
	all[0].eventually("m1 says which drives it serves", func() bool {
		_, text := ask(2, http.MethodGet, "/api/v2/system", nil)
		return strings.Contains(text, "It serves "+one+", and shared "+testDrive+"S.")
	})
	var ids []string
	for _, drive := range []string{one, testDrive + "S"} {
		status, text := ask(1, http.MethodPut, "/api/v2/files/"+drive+"/flow.ibflowbin?executable=true", []byte(demoFlow))
		if status != http.StatusNoContent {
			t.Fatalf("a file for %s by way of m2: %d %s", drive, status, text)
		}
		_, text = ask(2, http.MethodPost, "/api/v2/jobs", events.Encode(map[string]any{
			"name": drive, "flow_parameters": map[string]any{
				"binary_path": drive + "/flow.ibflowbin", "input_dir": drive + "/scans", "settings": map[string]any{"spooled_mode": true},
			}, "spool": map[string]any{"watch": map[string]any{"existing": "run"}},
		}))
		_, id, _ := strings.Cut(text, `"job_id":"`)
		id, _, _ = strings.Cut(id, `"`)
		ids = append(ids, id)
		for n := range 20 {
			if status, text := ask(n%3, http.MethodPut, fmt.Sprintf("/api/v2/files/%s/scans/%d.txt", drive, n), []byte("x")); status != http.StatusNoContent {
				t.Fatalf("file %d of %s: %d %s", n, drive, status, text)
			}
		}
	}
	for _, id := range ids {
		var text string
		all[1].eventually("20 results, all ok", func() bool {
			_, text = ask(1, http.MethodGet, "/api/v2/jobs/"+id+"/results?limit=100", nil)
			return strings.Count(text, `"outcome":"ok"`) >= 20
		})
		if strings.Contains(text, `"outcome":"failed"`) || strings.Contains(text, "not found") || strings.Count(text, `"trigger_id":"file:`) != 20 {
			t.Errorf("results of %s: %s", id, tail(text, 3000))
		}
	}
	procs[0].kill()
	all[1].eventually("it is said whose drive is away", func() bool {
		_, text := ask(1, http.MethodGet, "/api/v2/jobs/"+ids[0], nil)
		return strings.Contains(text, `"unserved":true`) && strings.Contains(text, "no machine serves the drive "+one+"; m1 did until ")
	})
	if status, text := ask(1, http.MethodPut, "/api/v2/files/"+one+"/scans/late.txt", []byte("x")); status != http.StatusServiceUnavailable || !strings.Contains(text, one) || !strings.Contains(text, "m1") {
		t.Errorf("a file for a machine that is away: %d %s", status, text)
	}
	if err := os.WriteFile(filepath.Join(all[0].dir, "scans", "late.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	procs[0].launch()
	all[1].eventually("it runs when its machine is back", func() bool {
		_, text := ask(1, http.MethodGet, "/api/v2/jobs/"+ids[0]+"/results?limit=100", nil)
		return strings.Count(text, `"outcome":"ok"`) == 21
	})
}
