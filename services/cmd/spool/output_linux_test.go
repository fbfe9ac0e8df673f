package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
)

// splitting is a job whose flow makes three files of one, which go to out/x.
func (p *harness) splitting(conflict events.OutputConflict) string {
	p.Helper()
	p.flow("flow.ibflowbin", "#!/bin/sh\nmkdir sub; for f in a b sub/c; do cat \"$1\"/* >$f.txt; echo $f >>$f.txt; done\n")
	return p.job("splitting", "", "flow.ibflowbin", "in", map[string]any{"output": "x/{name}", "output_conflict": conflict})
}

// everything gives the contents of all files below a folder of the drive, hidden or not.
func (p *harness) everything(dir string) map[string]string {
	p.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join(p.dir, dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(filepath.Join(p.dir, dir), path)
		all[rel] = string(text)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	return all
}

// A kill at each step of placing outputs: the flow does not run again, and each file
// is at its place, whole, once.
func TestLongOutputKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	steps := []string{
		faultpoint.OutputPlanned + "=kill", faultpoint.OutputMoved + "=kill@1", faultpoint.OutputMoved + "=kill@2",
		faultpoint.OutputPlaced + "=kill", faultpoint.OutputTold + "=kill",
	}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			t.Parallel() // most of it is waiting for the delivery that nobody has settled
			outputKilled(t, step, false)
		})
	}
	for _, step := range []string{faultpoint.OutputMoved + "=kill@1", faultpoint.OutputCopied + "=kill@2", faultpoint.OutputNamed + "=kill@2"} {
		t.Run("across file systems, "+step, func(t *testing.T) {
			t.Parallel()
			outputKilled(t, step, true)
		})
	}
}

// placing is a harness whose outputs go to the folder out/x, which may be a file system of
// its own.
type placing struct {
	*harness
	to   string   // the folder of the outputs
	args []string // of the process
}

func newPlacing(t *testing.T, across bool) *placing {
	p := newHarness(t)
	to := filepath.Join(p.dir, "out", "x")
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	if across {
		p.mount(to)
	}
	return &placing{p, to, []string{"serve", "--data", p.data, "--listen", p.api, "--nats-listen", p.nats, "--drive", testDrive + "=" + p.dir, "--durability", "interval"}}
}

// write puts a file where an output is to go.
func (p *placing) write(name, text string) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.to, name), []byte(text), 0o644); err != nil {
		p.Fatal(err)
	}
}

// begin starts a process that fails at a step, and drops a file for a job.
func (p *placing) begin(fault string, conflict events.OutputConflict) (pr *process, job string) {
	p.Helper()
	pr = p.startToFail(fault, p.args...)
	p.eventually("ready", func() bool { return strings.Contains(pr.log.String(), "msg=ready") })
	job = p.splitting(conflict)
	p.watchLive(p.bus(), job)
	p.drop("in/scan", "content ")
	return pr, job
}

func outputKilled(t *testing.T, step string, across bool) {
	p := newPlacing(t, across)
	p.write("b.txt", "older")
	pr, job := p.begin(step, events.ConflictSuffix)
	pr.struck()
	p.start(p.args...)
	bus := p.bus()
	var ended []events.RunEvent
	p.eventually("the run has ended, and nothing is left of it", func() bool {
		ended = read(p.harness, bus.Runs(events.Ended, job))
		entries, err := os.ReadDir(filepath.Join(p.dir, "out"))
		return len(ended) == 1 && err == nil && len(entries) == 1
	})
	started := read(p.harness, bus.Runs(events.Started, job))
	if len(started) != 1 || ended[0].Status != events.OK || ended[0].Attempt != 1 || ended[0].OutputFolder != testDrive+"/out" {
		t.Errorf("%d starts; ended %+v", len(started), ended[0])
	}
	want := map[string]string{"b.txt": "older", "a.txt": "content a\n", "b-2.txt": "content b\n", "sub/c.txt": "content sub/c\n"}
	if diff := cmp.Diff(want, p.everything("out/x")); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	size := func(text string) int64 { return int64(len(text)) }
	told := []events.Output{{Path: "x/a.txt", Size: size("content a\n")}, {Path: "x/b-2.txt", Size: size("content b\n")}, {Path: "x/sub/c.txt", Size: size("content sub/c\n")}}
	if diff := cmp.Diff(told, ended[0].Outputs); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// mount puts a file system of its own on a folder.
func (p *harness) mount(dir string) {
	p.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		p.Skipf("this process may not mount: %v", err)
	}
	p.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// Where a name is taken while the outputs of a run are on their way, all go back, also
// when the runner is killed meanwhile.
func TestLongOutputReturned(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	for _, across := range []bool{false, true} {
		for _, kill := range []string{"", "," + faultpoint.OutputReturned + "=kill@1"} {
			t.Run(fmt.Sprintf("across %v, %s", across, kill), func(t *testing.T) {
				t.Parallel()
				outputReturned(t, kill, across)
			})
		}
	}
}

func outputReturned(t *testing.T, kill string, across bool) {
	p := newPlacing(t, across)
	pr, job := p.begin(faultpoint.OutputPlanned+"=sleep:8s"+kill, events.ConflictFail)
	p.eventually("the places are chosen", func() bool { return strings.Contains(pr.log.String(), "SPOOL_FAULT: sleep at") })
	p.write("b.txt", "faster")
	if kill != "" {
		pr.struck()
		p.start(p.args...)
	}
	bus := p.bus()
	var ended []events.RunEvent
	p.eventually("the run has ended", func() bool {
		ended = read(p.harness, bus.Runs(events.Ended, job))
		return len(ended) == 1
	})
	if ended[0].Status != events.ERROR || !strings.Contains(ended[0].Message, "x/b.txt is there already") || ended[0].Attempt != 1 {
		t.Errorf("ended %+v", ended[0])
	}
	own := strings.TrimPrefix(ended[0].OutputFolder, testDrive+"/out/") + "/"
	want := map[string]string{"x/b.txt": "faster", own + "a.txt": "content a\n", own + "b.txt": "content b\n", own + "sub/c.txt": "content sub/c\n"}
	if diff := cmp.Diff(want, p.everything("out")); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// A job that watches the output folder gets each output once, from its final place, with
// the job that wrote it, and never a half-written one.
func TestOutputFeedsAJob(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve("--durability", "interval")
	bus := p.bus()
	status, answer := p.send("POST", "jobs", object{
		"name": "short form", "run": object{"command": `printf half > result.txt; sleep 0.5; cat "$SPOOL_FILE" > result.txt`}, "input": testDrive + "/in",
		"settings": object{"output_dir": testDrive + "/out"}, "spool": object{"output": "{yyyy}/{mm}/{name}", "timezone": "Asia/Tokyo"},
	})
	first, ok := answer["job_id"].(string)
	if !ok {
		t.Fatalf("%d %v", status, answer)
	}
	if err := os.MkdirAll(filepath.Join(p.dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	status, answer = p.send("POST", "jobs", object{
		"name": "next", "run": object{"command": `cat "$SPOOL_FILE" > got.txt`}, "input": testDrive + "/out", "watch": object{"recursive": true},
		"settings": object{"output_dir": testDrive + "/next"},
	})
	next, ok := answer["job_id"].(string)
	if !ok {
		t.Fatalf("%d %v", status, answer)
	}
	p.watchLive(bus, first)
	p.watchLive(bus, next)
	file, at := filepath.Join(p.dir, "scan.txt"), time.Date(2025, 12, 31, 16, 0, 0, 0, time.UTC) // in Tokyo the year has begun
	if err := errors.Join(os.WriteFile(file, []byte("content"), 0o644), os.Chtimes(file, at, at), os.Rename(file, filepath.Join(p.dir, "in", "scan.txt"))); err != nil {
		t.Fatal(err)
	}
	var ended []events.RunEvent
	p.eventually("the next job has run", func() bool {
		ended = read(p, bus.Runs(events.Ended, next))
		return len(ended) > 0
	})
	wrote := read(p, bus.Runs(events.Ended, first))
	if len(wrote) != 1 || len(ended) != 1 {
		t.Fatalf("%d runs wrote, %d read that", len(wrote), len(ended))
	}
	if diff := cmp.Diff([]events.Output{{Path: "2026/01/scan.txt", Size: 7}}, wrote[0].Outputs); diff != "" {
		t.Errorf("%s %s (-want +got):\n%s", wrote[0].Status, wrote[0].Message, diff)
	}
	if e := ended[0]; e.File.Path != "2026/01/scan.txt" || e.File.Size != 7 || !cmp.Equal(e.Chain, []string{first}) {
		t.Errorf("ran on %+v, chain %v", e.File, e.Chain)
	}
	var shown struct {
		Results []struct {
			Run struct {
				OutputFolder string          `json:"output_folder"`
				Outputs      []events.Output `json:"outputs"`
			} `json:"run"`
		} `json:"results"`
	}
	p.get("/api/v2/jobs/"+first+"/results", &shown)
	if len(shown.Results) == 0 || shown.Results[0].Run.OutputFolder != testDrive+"/out" || len(shown.Results[0].Run.Outputs) != 1 {
		t.Errorf("shown: %+v", shown)
	}
}

// Outputs that are placed where the job before looks make a ring like any other.
func TestOutputRing(t *testing.T) {
	t.Parallel()
	l := newLooped(t)
	a, b := l.watch("a", "a", "b", nil), l.watch("b", "b", "a", nil)
	for _, id := range []string{a, b} {
		if code, text := l.ask(http.MethodPatch, "jobs/"+id, "", object{"spool": object{"output": "{yyyy}/{name}"}}); code != http.StatusOK {
			t.Fatalf("%d %s", code, text)
		}
	}
	l.drop("a/x")
	if state := l.held(a, 1); state.Ring != "a → b → a" {
		t.Errorf("shown is %q", state.Ring)
	}
	l.wantRuns(a, 1)
	l.wantRuns(b, 1)
}
