package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// mill is a stand-in for the runner on another machine, on a connection of its own.
type mill struct {
	s *harness

	mu        sync.Mutex
	log       []byte
	live      bool
	more      chan struct{}
	files     map[string]string
	cancelled []string
}

// newMill starts one, whose data folder has the id.
func (s *harness) newMill(id string) (m *mill, stop func() error) {
	s.t.Helper()
	m = &mill{s: s, live: true, more: make(chan struct{}), files: map[string]string{}}
	bus := eventstest.Connect(s.t, s.broker)
	stop = s.background(func(ctx context.Context) error {
		return bus.AnswerRuns(ctx, id, "default", jet.RunAnswers{Log: m.logPart, Output: m.outputPart, Cancel: m.cancel})
	})
	eventstest.Eventually(s.t, "the runner listens", func() bool {
		_, _, err := s.bus.AskOutput(s.t.Context(), id, events.OutputAsk{Limit: 1})
		return err == nil
	})
	return m, stop
}

func (m *mill) print(text string, live bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log, m.live = append(m.log, text...), live
	close(m.more)
	m.more = make(chan struct{})
}

func (m *mill) logPart(ctx context.Context, q events.LogAsk) (events.LogPart, []byte, error) {
	for {
		m.mu.Lock()
		log, live, more := m.log, m.live, m.more
		m.mu.Unlock()
		part := events.LogPart{Offset: q.Offset, Size: int64(len(log)), Live: live, Modified: time.Unix(int64(len(log)), 0)}
		if q.Bytes > 0 {
			part.Offset = max(0, part.Size-q.Bytes)
		}
		if q.Lines > 0 {
			lines := bytes.SplitAfter(bytes.TrimSuffix(log, []byte("\n")), []byte("\n"))
			part.Offset = part.Size
			for _, l := range lines[max(0, len(lines)-int(q.Lines)):] {
				part.Offset -= int64(len(l))
			}
			part.Offset -= int64(len(log) - len(bytes.TrimSuffix(log, []byte("\n"))))
		}
		if text := log[min(part.Offset, part.Size):]; len(text) > 0 || !live || q.Wait == 0 {
			return part, text[:min(len(text), q.Most)], nil
		}
		select {
		case <-more:
			q.Lines, q.Bytes, q.Offset = 0, 0, part.Offset
		case <-time.After(q.Wait):
			return part, nil, nil
		case <-ctx.Done():
			return part, nil, nil
		}
	}
}

func (m *mill) outputPart(_ context.Context, q events.OutputAsk) (part events.OutputPart, text []byte, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.Limit > 0 {
		for _, name := range []string{"a.txt", "b/c.txt", "d.txt"} {
			if content, ok := m.files[name]; ok && name > q.After {
				part.Files = append(part.Files, events.OutputFile{Path: name, Size: int64(len(content)), Modified: time.Unix(1, 0).UTC()})
			}
		}
		part.More = len(part.Files) > 1
		part.Files = part.Files[:min(len(part.Files), 1)]
		return part, nil, nil
	}
	content, ok := m.files[q.File]
	if !ok {
		return part, nil, events.Faultf(events.NotFound, "path", "no such file")
	}
	part.Size, part.Modified = int64(len(content)), time.Unix(1, 0).UTC()
	return part, []byte(content)[q.Offset:][:min(q.Most, len(content)-int(q.Offset))], nil
}

func (m *mill) cancel(_ context.Context, q events.CancelAsk) (part events.CancelPart, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cancelled = append(m.cancelled, q.FlowJobID+" by "+q.By)
	return part, nil
}

// sent is one event of a stream.
type sent struct {
	Name, ID string
	Offset   int64
	Text     string
	Outcome  string
	Says     string
	Away     bool
}

// followed reads the events of a log until it ends, or n have come.
func (s *harness) followed(path, token string, n int, edit ...func(*http.Request)) (all []sent) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+v2Path+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "text/event-stream")
	for _, f := range edit {
		f(r)
	}
	resp, err := noRedirects.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	var e sent
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "event":
			e = sent{Name: value}
		case "id":
			e.ID = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				s.t.Fatal(err)
			}
			if all = append(all, e); len(all) == n {
				return all
			}
		}
	}
	return all
}

func texts(all []sent) (text string) {
	for _, e := range all {
		text += e.Text
	}
	return text
}

func TestLog(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	x := s.executed(j.ID, "admin", events.OK)
	path := "results/" + x.id + "/log"
	wantProblem(t, s.native(http.MethodGet, path, s.admin, ""), http.StatusNotFound, "has not started: it has no log yet")
	s.begin(x, "r1")
	wantProblem(t, s.native(http.MethodGet, path, s.admin, ""), http.StatusServiceUnavailable, "the runner on mill does not answer")
	m, stop := s.newMill("r1")
	long := strings.Repeat("0123456789abcde\n", 64<<10) // 1 MiB: several parts
	m.print(long+"first <script>\nsecond\n", true)
	get := func(query string, edit ...func(*http.Request)) answer {
		return s.send(http.MethodGet, v2Path+path+query, s.admin, "", edit...)
	}
	a := get("")
	wantCode(t, a, http.StatusOK)
	if string(a.body) != long+"first <script>\nsecond\n" || a.header.Get("Spool-Log-Size") != fmt.Sprint(len(a.body)) {
		t.Errorf("%d bytes, %v", len(a.body), a.header)
	}
	for key, want := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox",
		"Content-Disposition": "attachment; filename=run-" + x.flow + ".log",
	} {
		if got := a.header.Get(key); got != want {
			t.Errorf("%s: %q", key, got)
		}
	}
	if a := s.send(http.MethodHead, v2Path+path, s.admin, ""); a.code != http.StatusOK || a.header.Get("Content-Length") != fmt.Sprint(len(long)+22) || len(a.body) > 0 {
		t.Errorf("HEAD: %d %v", a.code, a.header)
	}
	for query, want := range map[string]string{"?tail=1": "second\n", "?tail=2": "first <script>\nsecond\n", "?tail=7B": "second\n", "?tail=1000000": long + "first <script>\nsecond\n"} {
		a := get(query)
		if wantCode(t, a, http.StatusOK); string(a.body) != want || a.header.Get("Spool-Log-Offset") != fmt.Sprint(len(long)+22-len(want)) {
			t.Errorf("%s: %d bytes, %v", query, len(a.body), a.header)
		}
	}
	a = get("", header("Range", "bytes=-7"))
	if wantCode(t, a, http.StatusPartialContent); string(a.body) != "second\n" {
		t.Errorf("a range: %s", a.body)
	}
	a = get("", header("Range", fmt.Sprintf("bytes=%d-%d", 300<<10, 600<<10)))
	if wantCode(t, a, http.StatusPartialContent); string(a.body) != long[300<<10:600<<10+1] {
		t.Errorf("a range over parts: %d bytes", len(a.body))
	}
	wantProblem(t, get("", header("Range", "bytes=99999999-")), http.StatusRequestedRangeNotSatisfiable, "Range")
	for query, says := range map[string]string{
		"?tail=0": "tail", "?tail=-3": "tail", "?tail=x": "tail", "?tail=1e9": "tail", "?follow=maybe": "follow", "?follow=true&offset=-1": "offset",
		"?offset=3": "follow=true", "?tial=3": `did you mean "tail"`, "?follow=true&last_event_id=x": "last_event_id",
	} {
		wantProblem(t, get(query), http.StatusBadRequest, says)
	}
	limited, text := events.NewToken("admin", events.Viewer, time.Now())
	limited.Paths = []string{"admin/elsewhere/"}
	s.enter(limited, text)
	wantProblem(t, s.native(http.MethodGet, path, text, ""), http.StatusForbidden, "outside what this token reaches")
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantProblem(t, get("?tail=3"), http.StatusServiceUnavailable, "the runner on mill does not answer")
}

// A log is followed line by line to the end of its run, and a follower that was cut off goes on
// where it was.
func TestFollowLog(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	x := s.executed(j.ID, "admin", events.OK)
	path := "results/" + x.id + "/log?follow=true"
	waits := s.followed(path, s.admin, 1)
	if waits[0].Name != "state" || waits[0].Outcome != "waiting" {
		t.Errorf("of a run that has not begun: %+v", waits)
	}
	m, _ := s.newMill("r1")
	s.begin(x, "r1")
	m.print("one\ntwo\nthr", true)
	all := s.followed(path, s.admin, 3)
	if all[0].Name != "state" || all[0].Outcome != "running" || all[0].Says != "attempt 1 runs on mill" || texts(all) != "one\ntwo\n" || all[2].ID != "8" || all[2].Offset != 4 {
		t.Errorf("what there is: %+v", all)
	}
	all = s.followed(path, s.admin, 4)
	if last := all[3]; last.Text != "thr" || last.ID != "11" { // after a while
		t.Errorf("a line that does not end: %+v", all)
	}
	var wg sync.WaitGroup
	var resumed, tailed []sent
	wg.Go(func() { resumed = s.followed(path, s.admin, 0, header("Last-Event-ID", "4")) })
	wg.Go(func() { tailed = s.followed(path+"&tail=1", s.admin, 0) })
	m.print("ee\nfour <b>\r\n", true)
	m.print(strings.Repeat("x", 100<<10)+"\n", true)
	m.print("the end", false)
	s.finish(x, events.ERROR, "exit status 3: no luck")
	wg.Wait()
	want := "two\nthree\nfour <b>\r\n" + strings.Repeat("x", 100<<10) + "\nthe end"
	if got := texts(resumed); got != want {
		t.Errorf("resumed: %.100q… %d bytes", got, len(got))
	}
	at := int64(4)
	for _, e := range resumed {
		if e.Name == "line" && (e.Offset != at || e.ID != fmt.Sprint(at+int64(len(e.Text)))) {
			t.Errorf("at %d: %+v", at, e)
		}
		at += int64(len(e.Text))
	}
	for _, all := range [][]sent{resumed, tailed} {
		last := all[len(all)-1]
		if last.Name != "end" || last.Outcome != "failed" || last.Away || !strings.Contains(last.Says, "no luck") {
			t.Errorf("the end: %+v", last)
		}
	}
	if got := texts(tailed); !strings.HasSuffix(got, "the end") || strings.Contains(got, "one") {
		t.Errorf("with its tail: %.100q", got)
	}
}

// When the runner goes while its log is followed, that is said, and the client is not left waiting.
func TestFollowLogOfARunnerThatGoes(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	x := s.executed(j.ID, "admin", events.OK)
	m, stop := s.newMill("r1")
	s.begin(x, "r1")
	m.print("one\n", true)
	done := make(chan []sent, 1)
	go func() { done <- s.followed("results/"+x.id+"/log", s.admin, 0) }()
	time.Sleep(100 * time.Millisecond) // it waits for more
	if err := stop(); err != nil {
		t.Error(err)
	}
	all := <-done
	last := all[len(all)-1]
	if last.Name != "end" || !last.Away || last.Outcome != "running" || !strings.Contains(last.Says, "the runner on mill does not answer") || texts(all) != "one\n" {
		t.Errorf("%+v", all)
	}
}

// Nobody but the endpoint can say what its runs printed.
func TestLogsOfAForeignEndpoint(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	x := executed{id: events.ManualTriggerID(j.ID, "1")}
	s.keep(events.Result{
		TriggerID: x.id, JobID: j.ID, Kind: events.KindManual, TriggeredAt: time.Now(), StartedAt: time.Now(), EndedNS: time.Now().UnixNano(),
		Status: events.OK, Attempts: 1, FlowJobID: "their-run-7", Outcome: events.OutcomeCalled, HTTP: events.HTTPResult{Status: "200"},
	})
	for _, c := range []struct{ method, path string }{{"GET", "/log"}, {"GET", "/log?follow=true"}, {"GET", "/output"}, {"POST", "/cancel"}} {
		wantProblem(t, s.native(c.method, "results/"+x.id+c.path, s.admin, ""), http.StatusConflict, "the endpoint is not the built-in runner: ask it, which has the run as their-run-7")
	}
	refused := s.executed(j.ID, "admin", events.ERROR)
	wantProblem(t, s.native(http.MethodGet, "results/"+refused.id+"/log", s.admin, ""), http.StatusNotFound, "no run began")
}
