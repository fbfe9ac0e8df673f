package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// A program that uses one name again and again, as scanners do, loses nothing:
// each content is what one run reads from its beginning to its end. With links
// what is lost is said.
func TestEachContentRuns(t *testing.T) {
	t.Parallel()
	eachContentRuns(t, "copy", t.TempDir(), 10, "--stage", "copy")
}

func TestLongEachContentRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	t.Run("reflink", func(t *testing.T) { t.Parallel(); eachContentRuns(t, "reflink", eventstest.Reflinks(t), 20) })
	t.Run("copy", func(t *testing.T) { t.Parallel(); eachContentRuns(t, "copy", t.TempDir(), 20, "--link-above", "1GiB") })
	t.Run("link", func(t *testing.T) { t.Parallel(); eachContentRuns(t, "link", t.TempDir(), 20, "--stage", "link") })
	t.Run("link above", func(t *testing.T) { t.Parallel(); eachContentRuns(t, "link", t.TempDir(), 20, "--link-above", "1KiB") })
}

// rewriteWays are the ways in which a program puts other content under a name.
var rewriteWays = []struct {
	name    string
	rewrite func(path, text string) error
}{
	{"truncate and write", func(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) }},
	{"rename over", func(path, text string) error {
		return errors.Join(os.WriteFile(path+".tmp", []byte(text), 0o644), os.Rename(path+".tmp", path))
	}},
	{"append", func(path, text string) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		return errors.Join(err, f.Close())
	}},
	{"mmap", func(path, text string) error {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		if err = f.Truncate(int64(len(text))); err == nil {
			var m []byte
			if m, err = unix.Mmap(int(f.Fd()), 0, len(text), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
				copy(m, text)
				err = unix.Munmap(m)
			}
		}
		return errors.Join(err, f.Close())
	}},
}

// eachContentRuns rewrites one file n times in each way, at each step of its runs by turns.
func eachContentRuns(t *testing.T, kind, dir string, n int, flags ...string) {
	p := newHarness(t)
	p.flow("flow.ibflowbin", "")
	p.dir = dir
	p.flow("flow.ibflowbin", "#!/bin/sh\ncat \"$1\"/* >\"$2\"/before; sleep 0.2; cat \"$1\"/* >\"$2\"/after\n")
	p.serve(append([]string{"--durability", "interval"}, flags...)...)
	bus := p.bus()
	for i, way := range rewriteWays {
		t.Run(way.name, func(t *testing.T) {
			p, in := *p, fmt.Sprint("in", i)
			p.TB = t
			for _, name := range []string{in, "out" + in} {
				if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			job := p.jobInto(in, map[string]any{"quiet_ms": 20})
			p.watchLive(bus, job)
			p.rewrite(bus, job, way.rewrite, filepath.Join(dir, in, "scan0001.pdf"), kind, way.name != "rename over", n)
		})
	}
}

// jobInto makes a job on a folder whose runs write below a folder of that job.
func (p *harness) jobInto(in string, watch map[string]any) string {
	p.Helper()
	answer := p.call("POST", "create_job", map[string]any{"name": in, "spool": map[string]any{"watch": watch}, "flow_parameters": map[string]any{
		"auth_token": "any", "binary_path": testDrive + "/flow.ibflowbin", "input_dir": testDrive + "/" + in,
		"settings": map[string]any{"spooled_mode": true, "output_dir": testDrive + "/out" + in},
	}})
	id, ok := answer["job_id"].(string)
	if !ok {
		p.Fatalf("create_job: %v", answer)
	}
	return id
}

func (p *harness) rewrite(bus *jet.Bus, job string, write func(path, text string) error, file, kind string, inPlace bool, n int) {
	p.Helper()
	count := func(phase events.Phase) int {
		runs := map[string]bool{}
		for _, ph := range []events.Phase{phase, events.Ended} { // one that was overtaken ends without a start
			for _, e := range read(p, bus.Runs(ph, job)) {
				runs[e.FlowJobID] = true
			}
		}
		return len(runs) + p.refused(bus, job)
	}
	want := map[string]int{}
	for i := range n {
		if err := write(file, fmt.Sprintf("content %03d%s\n", i, strings.Repeat(" ", 2000))); err != nil {
			p.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			p.Fatal(err)
		}
		want[string(text)]++
		p.eventually("the content is taken", func() bool {
			taken := 0
			err := bus.Seen(job).Since(p.Context(), time.Time{}, func(jet.Entry[struct{}]) bool { taken++; return true })
			return err == nil && taken > i
		})
		switch i % 4 { // and the others as soon as the content before is taken
		case 1:
			p.eventually("accepted", func() bool { return count(events.Accepted) > i })
		case 2:
			p.eventually("started", func() bool { return count(events.Started) > i })
			time.Sleep(50 * time.Millisecond)
		case 3:
			p.eventually("ended", func() bool { return count(events.Ended) > i })
		}
	}
	p.checkContents(bus, job, want, kind, inPlace)
}

// refused counts the contents whose verdict is that they were rewritten before their call.
func (p *harness) refused(bus *jet.Bus, job string) int {
	p.Helper()
	return len(read(p, bus.Verdicts(job)))
}

func (p *harness) checkContents(bus *jet.Bus, job string, want map[string]int, kind string, inPlace bool) {
	p.Helper()
	var ended []events.RunEvent
	refused := 0
	p.eventually("all have run", func() bool {
		ended = read(p, bus.Runs(events.Ended, job))
		refused = p.refused(bus, job)
		return len(ended)+refused >= len(want)
	})
	ran := map[string]int{}
	said := refused
	for _, e := range ended {
		dir := filepath.Join(p.dir, e.OutputFolder[len(testDrive):])
		before, _ := os.ReadFile(filepath.Join(dir, "before"))
		after, _ := os.ReadFile(filepath.Join(dir, "after"))
		switch {
		case e.Status == events.ERROR && kind == "link":
			if !strings.Contains(e.Message, "superseded (rewritten)") && !strings.Contains(e.Message, "input changed during the run") {
				p.Errorf("of a file that was rewritten it is said: %s", e.Message)
			}
			said++
			continue
		case e.Status == events.ERROR:
			p.Errorf("a run ended with %s", e.Message)
		case string(before) != string(after):
			p.Errorf("a run read %q, then %q", before, after)
		}
		ran[string(before)]++
	}
	for text := range want {
		if kind != "link" && ran[text] != 1 {
			p.Errorf("%.12q… ran %d times", text, ran[text])
		}
	}
	for text, n := range ran {
		if want[text] != 1 || n != 1 {
			p.Errorf("%.12q… ran %d times, and was there %d times", text, n, want[text])
		}
	}
	if len(ran)+said != len(want) || len(ended)+refused != len(want) {
		p.Errorf("of %d contents %d ran and %d were said to be superseded", len(want), len(ran), said)
	}
	if lost := kind == "link" && inPlace; lost != (said > 0) {
		p.Errorf("%d contents were said to be superseded, of a %s that is rewritten in place: %v", said, kind, inPlace)
	}
	p.Logf("%d contents: %d ran once, %d were said to be superseded", len(want), len(ran), said)
}
