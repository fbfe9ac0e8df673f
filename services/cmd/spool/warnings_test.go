package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// warned makes a job by the native API and gives its warnings, as they are told at
// once and when it is read.
func (p *harness) warned(binary, input, more string) []string {
	p.Helper()
	body := fmt.Sprintf(`{"name":"w","schedule":"0 0 1 1 *","flow_parameters":{"auth_token":"a","binary_path":%q,"input_dir":%q}%s}`, binary, input, more)
	var made, read struct {
		ID       string   `json:"job_id"`
		Warnings []string `json:"warnings"`
	}
	if err := json.Unmarshal([]byte(p.native("POST", "/api/v2/jobs", body, http.StatusCreated)), &made); err != nil {
		p.Fatal(err)
	}
	if err := json.Unmarshal([]byte(p.native("GET", "/api/v2/jobs/"+made.ID, "", http.StatusOK)), &read); err != nil {
		p.Fatal(err)
	}
	if !slices.Equal(made.Warnings, read.Warnings) {
		p.Errorf("told at creation %q, later %q", made.Warnings, read.Warnings)
	}
	return read.Warnings
}

// A job that cannot work has warnings when it is created, and whenever it is read.
func TestWarningsOfAJob(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.env = []string{"TZ=Asia/Tokyo"}
	p.flow("crlf", "#!/bin/sh\r\n")
	p.flow("no-python", "#!/usr/bin/no-such-python\n")
	p.flow("outside", "#!/opt/venv/bin/python\n")
	p.flow("bare", "echo hi\n")
	p.flow("plain", "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(p.dir, "plain"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.serve("--sandbox", "best-effort")
	const utc = `,"spool":{"timezone":"UTC"}`
	d := testDrive + "/"
	for name, c := range map[string]struct{ binary, input, more, want string }{
		"all is well":     {d + "flow.ibflowbin", d + "in", utc, ""},
		"zone":            {d + "flow.ibflowbin", d + "in", "", "the schedule is in UTC, and the clock of this host is in Asia/Tokyo"},
		"no binary":       {d + "none", d + "in", utc, "binary_path: " + d + "none does not exist"},
		"not executable":  {d + "plain", d + "in", utc, "binary_path: " + d + "plain is not executable: chmod +x it"},
		"a folder":        {d + "in", d + "in", utc, "binary_path: " + d + "in is not a file"},
		"interpreter":     {d + "no-python", d + "in", utc, "which is not on this host"},
		"sandbox":         {d + "outside", d + "in", utc, "which is not there or lies where the sandbox lets flows read nothing"},
		"CRLF":            {d + "crlf", d + "in", utc, "has Windows line ends"},
		"no first line":   {d + "bare", d + "in", utc, "has no #! in its first line"},
		"no folder":       {d + "flow.ibflowbin", d + "none", utc, "input_dir: " + d + "none does not exist"},
		"no such drive":   {"admin/repo/fs/None/flow", d + "in", utc, "binary_path: the drive admin/repo/fs/None is not served here"},
		"drive of folder": {d + "flow.ibflowbin", "admin/repo/fs/None/in", utc, "input_dir: the drive admin/repo/fs/None is not served here"},
	} {
		t.Run(name, func(t *testing.T) {
			p := *p
			p.TB = t
			got := p.warned(c.binary, c.input, c.more)
			got = slices.DeleteFunc(got, func(w string) bool { return strings.HasPrefix(w, "February") || strings.Contains(w, "once a year") })
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}

	// Nothing is told of drives that the token that asks does not reach.
	wide := p.tokenOf("olga", "olga", testDrive)
	made := p.as(wide, "POST", "/api/v2/jobs", fmt.Sprintf(
		`{"name":"w","schedule":"0 0 1 1 *","flow_parameters":{"auth_token":"a","binary_path":%q,"input_dir":%q}}`, d+"none", d+"in"))
	job := between(made, `"job_id":"`, `"`)
	if answer := p.as(wide, "GET", "/api/v2/jobs/"+job, ""); !strings.Contains(answer, "none does not exist") {
		t.Errorf("a token that reaches the drive is told %s", answer)
	}
	if answer := p.as(p.tokenOf("olga", "olga"), "GET", "/api/v2/jobs/"+job, ""); !strings.Contains(answer, job) || strings.Contains(answer, "does not exist") {
		t.Errorf("a token that does not reach the drive is told %s", answer)
	}
}

// tokenOf makes a token of an operator who reaches some paths.
func (p *harness) tokenOf(owner string, paths ...string) string {
	p.Helper()
	body, err := json.Marshal(map[string]any{"owner": owner, "role": "operator", "paths": paths})
	if err != nil {
		p.Fatal(err)
	}
	return between(p.native("POST", "/api/v2/tokens", string(body), http.StatusCreated), `"token":"`, `"`)
}

// as asks the API with a token.
func (p *harness) as(token, method, path, body string) string {
	p.Helper()
	_, answer := p.exchange(method, "http://"+p.api+path, token, []byte(body))
	return string(answer)
}

// A folder with many files is asked about; the answer names their number, and what
// can be said.
func TestManyFilesLieThere(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	for i := range 25 {
		name := fmt.Sprintf("in/%02d.pdf", i)
		if i >= 21 {
			name = fmt.Sprintf("in/%02d.txt", i)
		}
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.serve("--durability", "interval")
	body := func(watch string) string {
		return fmt.Sprintf(`{"name":"w","flow_parameters":{"auth_token":"a","binary_path":%q,"input_dir":%q,"settings":{"spooled_mode":true}},"spool":{"watch":{%s}}}`,
			testDrive+"/flow.ibflowbin", testDrive+"/in", watch)
	}
	for watch, want := range map[string]int{
		``: http.StatusConflict, `"include":["*.pdf"]`: http.StatusConflict, `"existing":"later"`: http.StatusBadRequest,
		`"existing":"run","initial":"ignore"`: http.StatusBadRequest, `"include":["*.txt"]`: http.StatusCreated,
	} {
		answer := p.native("POST", "/api/v2/jobs", body(watch), want)
		if n := map[string]string{``: "25 files", `"include":["*.pdf"]`: "21 files"}[watch]; n != "" &&
			!(strings.Contains(answer, n) && strings.Contains(answer, `\"run\"`) && strings.Contains(answer, `\"mark\"`) && strings.Contains(answer, "spool.watch.existing")) {
			t.Errorf("%s: %s", watch, answer)
		}
	}
	ids := map[string]string{}
	for _, word := range []string{"run", "mark"} {
		var made struct {
			ID string `json:"job_id"`
		}
		answer := p.native("POST", "/api/v2/jobs", body(`"existing":"`+word+`"`), http.StatusCreated)
		if err := json.Unmarshal([]byte(answer), &made); err != nil {
			t.Fatal(err)
		}
		ids[word] = made.ID
	}
	if err := os.WriteFile(filepath.Join(p.dir, "in", "new.pdf"), []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	count := func(id string) int {
		return strings.Count(p.native("GET", "/api/v2/jobs/"+id+"/results?limit=200", "", http.StatusOK), `"trigger_id"`)
	}
	p.eventually("all files have run", func() bool { return count(ids["run"]) == 26 })
	p.eventually("the new file has run", func() bool { return count(ids["mark"]) == 1 })
	if n := count(ids["mark"]); n != 1 {
		t.Errorf("%d files ran that were to be marked", n-1)
	}
	// The seed's call never asks.
	p.job("v1", "", "flow.ibflowbin", "in", nil)
}
