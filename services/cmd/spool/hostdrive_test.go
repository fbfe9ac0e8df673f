package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"spool.internal/events"
)

// A folder of the host is a drive of its own as soon as a job of an administrator
// names it, for every role and after every restart.
func TestFolderOfTheHost(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	scans := filepath.Join(t.TempDir(), "srv", "scans")
	if err := os.MkdirAll(scans, 0o755); err != nil {
		t.Fatal(err)
	}
	pr := p.serve()
	bus := p.bus()
	job := p.short(object{"input": scans, "run": object{"command": `cp "$SPOOL_FILE" "$SPOOL_OUTPUT_DIR"`}})
	drop := func(name string, before int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(scans, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		end, log := p.nextEnd(bus, job, before)
		out := filepath.Join(p.data, "drives", filepath.FromSlash(end.OutputFolder), name)
		if text, err := os.ReadFile(out); end.Status != events.OK || err != nil || string(text) != name {
			t.Fatalf("%s %s, printed %q; %v", end.Status, end.Message, log, err)
		}
	}
	drop("one.pdf", 0)
	var list struct {
		Drives []struct{ Path, From, By, Host_folder string }
	}
	p.get("/api/v2/drives", &list)
	path := ""
	for _, d := range list.Drives {
		if d.From == "job" && d.Host_folder == scans && d.By == "admin" {
			path = d.Path
		}
	}
	if path == "" {
		t.Errorf("listed %+v", list)
	}
	var folder object
	p.get("/api/v2/files/"+path+"/", &folder)
	if !strings.Contains(fmt.Sprint(folder), "one.pdf") || strings.Contains(fmt.Sprint(folder), ".spool ") {
		t.Errorf("the folder has %v", folder)
	}
	if code := pr.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("stopped with %d", code)
	}
	p.serve()
	bus = p.bus()
	drop("two.pdf", 1)

	for _, c := range []struct{ name, dir, fault string }{
		{"the data folder", p.data, "data folder"},
		{"above the data folder", filepath.Dir(p.data), "data folder"},
		{"the root", "/", "data folder"},
		{"in a drive", filepath.Join(p.dir, "in"), "lies inside the drive"},
		{"in a recorded drive", filepath.Join(scans, "sub"), "lies inside the drive"},
		{"around a recorded drive", filepath.Dir(scans), "holds the drive"},
		{"dots", scans + "/../x", "without . and .."},
		{"a file", filepath.Join(scans, "one.pdf"), "is not a folder"},
	} {
		status, answer := p.send("POST", "jobs", object{"name": "n", "input": c.dir, "run": object{"command": "true"}})
		if status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(answer["field"], answer["detail"]), "input") || !strings.Contains(fmt.Sprint(answer), c.fault) {
			t.Errorf("%s: %d %v", c.name, status, answer)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(p.data, link); err != nil {
		t.Fatal(err)
	}
	if status, answer := p.send("POST", "jobs", object{"name": "n", "input": link, "run": object{"command": "true"}}); status != http.StatusBadRequest {
		t.Errorf("a link to the data folder: %d %v", status, answer)
	}
	// One that is changed to another folder, and one of somebody who may not.
	other := t.TempDir()
	if status, answer := p.send("PATCH", "jobs/"+job, object{"input": other}); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	scans = other
	drop("three.pdf", 2)
	_, made := p.send("POST", "tokens", object{"owner": "ann", "role": "operator"})
	token := fmt.Sprint(made["token"])
	status, answer := p.sendAs(token, "POST", "jobs", object{"name": "n", "input": t.TempDir(), "run": object{"command": "true"}})
	if status != http.StatusForbidden || answer["field"] != "input" {
		t.Errorf("an operator names a folder of the host: %d %v", status, answer)
	}
	if status, answer := p.sendAs(token, "GET", "drives", nil); status != http.StatusOK || strings.Contains(fmt.Sprint(answer), "scans") {
		t.Errorf("an operator lists the drives of others: %d %v", status, answer)
	}
}
