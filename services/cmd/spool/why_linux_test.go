package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
)

// why asks a server why.
func (p *harness) why(job, query string) (a why.Answer) {
	p.Helper()
	p.get("/api/v2/jobs/"+job+"/why?"+query, &a)
	return a
}

// whyFile waits until a file is explained in a sentence; … in it is any text.
func (p *harness) whyFile(job, name, want string) {
	p.Helper()
	var got string
	defer func() {
		if p.Failed() {
			p.Logf("%s: %s", name, got)
		}
	}()
	p.eventually(name+": "+want, func() bool {
		got = p.why(job, "file="+url.QueryEscape(name)).Sentence
		return says(got, want)
	})
}

// says reports whether a sentence is another, in which … is any text.
func says(got, want string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$").MatchString(got)
}

// Each state of a file that waits in a real folder is told in its sentence.
func TestWhyOfFiles(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	p.flow("slow.ibflowbin", "#!/bin/sh\nsleep 600\n")
	for _, dir := range []string{"marked", "quiet", "one"} {
		if err := os.MkdirAll(filepath.Join(p.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	open := p.job("open", "", "flow.ibflowbin", "in", map[string]any{"watch": map[string]any{"include": []string{"*.csv"}, "ignore": []string{"old-*"}}})
	marked := p.job("marked", "", "flow.ibflowbin", "marked", map[string]any{"watch": map[string]any{"marker": ".done"}})
	quiet := p.job("quiet", "", "flow.ibflowbin", "quiet", map[string]any{"watch": map[string]any{"quiet_ms": 3_600_000}})
	gone := p.job("gone", "", "flow.ibflowbin", "gone", nil)
	f, err := os.Create(filepath.Join(p.dir, "in/b.csv"))
	if err == nil {
		_, err = f.WriteString("half")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it is closed below
	for _, name := range []string{"in/.hidden.csv", "in/old-1.csv", "in/x.txt", "in/runs.csv", "marked/c.pdf", "quiet/a.csv"} {
		write(name)
	}
	if err := os.Mkdir(filepath.Join(p.dir, "in/dir.csv"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.whyFile(open, "b.csv", "A process has it open for writing, since … (…).")
	p.whyFile(open, ".hidden.csv", "Ignored: it is hidden: its name begins with a dot.")
	p.whyFile(open, "old-1.csv", "Ignored: it is ignored by the pattern old-* of spool.watch.ignore.")
	p.whyFile(open, "x.txt", "Not included: it is matched by no pattern of spool.watch.include (*.csv).")
	p.whyFile(open, "dir.csv", "It is a folder: only regular files are run.")
	p.whyFile(open, "none.csv", "Spool has not seen this name. It looked at …")
	p.whyFile(marked, "c.pdf", "It has no c.pdf.done.")
	p.whyFile(quiet, "a.csv", "Written … ago; taken after 1 h without a change (each write starts anew).")
	p.whyFile(gone, "a", filepath.Join(p.dir, "gone")+" does not exist; looked every 5 s.")
	p.whyFile(open, "runs.csv", "Taken at …; ok after …, 1 file.")
	if a := p.why(open, "file=b.csv"); a.Code != "open" || len(a.Facts.Timeline) != 2 || a.Facts.Timeline[0].At.IsZero() {
		t.Errorf("%+v", a)
	}
	f.Close()
	p.whyFile(open, "b.csv", "Taken at …; ok after …, 1 file.")
	line := why.Line(p.why(open, "file=runs.csv").Facts.Timeline)
	if !says(line, "seen … ─ complete … (… lease granted) ─ queued … ─ called … ─ run …–… ─ ok, 1 file") {
		t.Errorf("timeline: %s", line)
	}
	one := p.job("one", "", "slow.ibflowbin", "one", map[string]any{"overlap": "queue"})
	write("one/1")
	p.whyFile(one, "1", "Taken at …; running for ….")
	write("one/2")
	p.whyFile(one, "2", "Queued 1st: it waits for its call, or is being called.")
	write("one/3")
	p.whyFile(one, "3", "Queued 2nd: 1 file of this job is being called (max_concurrency).")
	p.call("POST", "disable_job", map[string]any{"job_id": one})
	p.whyFile(one, "3", "Queued 2nd: the job is disabled, and it waits until that is enabled.")
	var list struct {
		List []struct{ Path, State string }
	}
	p.get("/api/v2/jobs/"+one+"/files?state=queued", &list)
	if len(list.List) != 2 || list.List[0].Path != "2" || list.List[1].State != "queued" {
		t.Errorf("queued: %+v", list)
	}
}

// Slots that came while Spool was not running, or a run had not ended, or the job was
// disabled or another, are told in their sentences, with real minutes.
func TestLongWhyOfSlots(t *testing.T) {
	long(t)
	t.Parallel()
	p := newHarness(t)
	s := p.serve()
	p.flow("minutes.ibflowbin", "#!/bin/sh\nsleep 80\n")
	jobs := map[string]string{}
	for _, policy := range []string{"latest", "none", "all"} {
		jobs[policy] = p.job(policy, "* * * * *", "flow.ibflowbin", "in", map[string]any{"catch_up": policy})
	}
	jobs["skip"] = p.job("skip", "* * * * *", "minutes.ibflowbin", "in", map[string]any{"overlap": "skip"})
	jobs["off"] = p.job("off", "* * * * *", "flow.ibflowbin", "in", nil)
	at := func(job string, minute time.Time) why.Answer {
		return p.why(jobs[job], "at="+url.QueryEscape(minute.UTC().Format(time.RFC3339)))
	}
	first := nextMinute()
	expect := func(job string, minute time.Time, want string) {
		t.Helper()
		var got why.Answer
		defer func() {
			if t.Failed() {
				t.Logf("%s: %s", job, got.Sentence)
			}
		}()
		p.eventually(job+": "+want, func() bool { got = at(job, minute); return says(got.Sentence, want) })
	}
	expect("latest", first, "Started on time, … after its minute; ok after ….")
	p.call("POST", "disable_job", map[string]any{"job_id": jobs["off"]})
	second := first.Add(time.Minute)
	expect("skip", second, "Skipped: the run of "+first.Format("15:04")+" had not ended (it …) and overlap is skip.")
	expect("off", second, "Disabled by admin on ….")
	expect("skip", second, "Skipped: the run of "+first.Format("15:04")+" had not ended (it took 1 min) and overlap is skip.")
	s.stop(syscall.SIGTERM)
	down := time.Now().Truncate(time.Minute)
	back := down.Add(3 * time.Minute)
	time.Sleep(time.Until(back.Add(10 * time.Second)))
	s.start()
	lost := down.Add(time.Minute)
	ran := back.Format("Mon 15:04")
	expect("latest", lost, "Not run on its own: 3 slots were missed together, only the newest, "+ran+", ran (catch_up: latest).")
	expect("none", lost, "Missed: Spool was not running then ("+down.Format("15:04")+" to "+back.Format("15:04")+"), and catch_up is none.")
	expect("all", lost, "Started … late, at …: Spool was not running from "+down.Format("15:04")+" to "+back.Format("15:04")+".")
	if a := at("all", lost); a.Code != "caught_up" || a.Facts.Down == nil || events.MinuteOf(a.Facts.Down.From) != events.MinuteOf(down) {
		t.Errorf("%s: %+v", a.Code, a.Facts.Down)
	}
	p.call("POST", "disable_job", map[string]any{"job_id": jobs["latest"]})
	if a := p.why(jobs["latest"], ""); a.Code != "disabled" || !strings.HasPrefix(a.Sentence, "Disabled by admin on ") {
		t.Errorf("%s: %s", a.Code, a.Sentence)
	}
	if a := p.why(jobs["none"], ""); a.Facts.Outcome == "" || a.Facts.Next.IsZero() {
		t.Errorf("%s: %s", a.Code, a.Sentence)
	}
	minutes := int(time.Since(first)/time.Minute) + 1
	var sum struct {
		Buckets []struct {
			Slots    int
			Worst    string
			Verdicts map[string]int
		}
	}
	p.get("/api/v2/jobs/"+jobs["none"]+"/slots/summary?bucket=day&zone=UTC&from="+url.QueryEscape(first.UTC().Format(time.RFC3339)), &sum)
	slots, missed := 0, 0
	for _, b := range sum.Buckets {
		slots, missed = slots+b.Slots, missed+b.Verdicts["missed"]
	}
	if missed < 2 || slots < minutes-1 {
		t.Error(strconv.Itoa(slots), "slots,", missed, "missed of", minutes, sum)
	}
}
