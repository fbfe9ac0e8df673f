package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
)

// clusterLoad is what a cluster has to do while faults are made: slots, files and
// triggers, and what came of them as an endpoint of the test saw it.
type clusterLoad struct {
	*trio
	scale    float64 // 1: 200 slots a minute, 20 files a second, 5 triggers a second
	gateways []*member
	asker    *http.Client
	url      string // of the endpoint; "": the built-in runners run flows
	owner    string // of the jobs
	stepped  string // spool with the fault points, whose clock can be stepped
	lenient  bool   // gateways of an older version are there: their answers are not judged
	began    time.Time

	clock   []string // jobs of the clock
	folders []string // jobs of folders, by the number of the folder
	clicked string   // the job of the triggers
	first   events.Minute
	last    events.Minute

	mu      sync.Mutex
	files   map[string]*asked      // by name
	clicks  map[string]*asked      // by Idempotency-Key
	calls   map[string][]time.Time // by what an execution is known by: see key
	starts  map[string]int         // of flows, by run and attempt
	odd     []string               // answers of the API that it must not give
	refuse  []refusal
	readies []refusal // of /readyz
}

// asked is one file, or one trigger of a person.
type asked struct {
	began    time.Time
	accepted time.Time // a trigger: answered with 202
	id       string    // a trigger: its identity; a file: as the endpoint was told
	tries    int
}

// refusal is an answer of the API that is no acceptance.
type refusal struct {
	at     time.Time
	status int // 0: none
	text   string
}

func newClusterLoad(w *trio, scale float64) *clusterLoad {
	return &clusterLoad{
		trio: w, scale: scale, asker: &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		files: map[string]*asked{}, clicks: map[string]*asked{}, calls: map[string][]time.Time{}, starts: map[string]int{},
	}
}

// endpoint takes calls on the test's own address.
func (l *clusterLoad) endpoint() {
	l.Helper()
	listener := listenAt(l, l.net.test)
	server := &http.Server{Handler: http.HandlerFunc(l.called), ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	l.Cleanup(func() { _ = server.Close(); <-done })
	l.url = "http://" + listener.Addr().String() + events.RunBinaryPath
}

// called keeps which trigger a call is for, and looks at the file of its stage.
func (l *clusterLoad) called(w http.ResponseWriter, r *http.Request) {
	var body struct {
		InputDir string `json:"input_dir"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := r.Header.Get(events.HeaderKey)
	name := ""
	if strings.HasPrefix(id, string(events.KindFile)) {
		stage, err := os.ReadDir(filepath.Join(l.dir, strings.TrimPrefix(body.InputDir, testDrive+"/")))
		if err != nil || len(stage) != 1 {
			http.Error(w, fmt.Sprintf("a stage of %d files: %v", len(stage), err), http.StatusServiceUnavailable) // and is asked again
			return
		}
		name = stage[0].Name()
	}
	l.note(id, name, time.Now())
	_, _ = fmt.Fprintf(w, `{"status":"OK","data":{"job_id":%q}}`, uuid.NewString())
}

// key is what the test knows an execution by: its trigger, or its run where there are runs.
func (l *clusterLoad) key(trigger string) string {
	if l.url != "" || trigger == "" {
		return trigger
	}
	return events.FlowJobID(l.owner, trigger)
}

// note keeps that a trigger was called for.
func (l *clusterLoad) note(id, name string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[id] = append(l.calls[id], at)
	if f := l.files[name]; f != nil {
		if f.id != "" && f.id != id {
			l.odd = append(l.odd, fmt.Sprintf("the file %s has two triggers: %s and %s", name, f.id, id))
		}
		f.id = id
	}
}

// jobs makes the jobs, which call for a flow.
func (l *clusterLoad) jobs(flow string) {
	l.Helper()
	l.gateways = l.machines
	if l.url != "" { // the third has a server alone
		l.gateways = l.machines[:2]
	}
	for n := range int(200 * l.scale) {
		l.clock = append(l.clock, l.job(fmt.Sprint("clock-", n), "* * * * *", flow, "tick/in", nil))
	}
	for n := range max(4, int(20*l.scale)) {
		folder := fmt.Sprint("folder-", n)
		if err := os.Mkdir(filepath.Join(l.dir, folder), 0o755); err != nil {
			l.Fatal(err)
		}
		l.folders = append(l.folders, l.job(folder, "", flow, folder, map[string]any{"max_concurrency": 32}))
	}
	l.clicked = l.job("clicks", "@yearly", flow, "in", nil)
}

// run asks for files and triggers until the function that it returns ends that: every
// trigger was accepted then.
func (l *clusterLoad) run() (end func()) {
	l.began = time.Now()
	l.first = events.MinuteOf(l.began) + 1
	ctx, cancel := context.WithCancel(l.Context())
	var wg sync.WaitGroup
	every := func(d time.Duration, f func(n int)) {
		wg.Go(func() {
			tick := time.NewTicker(d)
			defer tick.Stop()
			for n := 0; ; n++ {
				select {
				case <-tick.C:
					f(n)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	every(time.Duration(50/l.scale)*time.Millisecond, l.drop)
	every(time.Duration(200/l.scale)*time.Millisecond, func(n int) { wg.Go(func() { l.click(n) }) })
	return func() {
		cancel()
		wg.Wait()
		l.last = events.MinuteOf(time.Now())
	}
}

// drop has a file come, under its name at once.
func (l *clusterLoad) drop(n int) {
	name, folder := fmt.Sprintf("f%06d", n), filepath.Join(l.dir, fmt.Sprint("folder-", n%len(l.folders)))
	hidden := filepath.Join(l.dir, ".drop-"+name)
	l.mu.Lock()
	l.files[name] = &asked{began: time.Now()}
	l.mu.Unlock()
	err := os.WriteFile(hidden, []byte(name), 0o644)
	if err == nil {
		err = os.Rename(hidden, filepath.Join(folder, name))
	}
	if err != nil {
		l.Error(err)
	}
}

// click asks for a run, at one gateway after the other, until it is accepted.
func (l *clusterLoad) click(n int) {
	key := fmt.Sprintf("key-%06d", n)
	c := &asked{began: time.Now()}
	l.mu.Lock()
	l.clicks[key] = c
	l.mu.Unlock()
	for try := n; l.Context().Err() == nil; try++ {
		status, answer := l.ask(l.gateways[try%len(l.gateways)], key)
		l.mu.Lock()
		c.tries++
		switch {
		case status == http.StatusAccepted:
			var told struct {
				ID string `json:"trigger_id"`
			}
			if err := json.Unmarshal([]byte(answer), &told); err != nil || c.id != "" && c.id != told.ID {
				l.odd = append(l.odd, fmt.Sprintf("%s was accepted as %q: %s", key, c.id, answer))
			}
			c.id, c.accepted = told.ID, time.Now()
			l.mu.Unlock()
			return
		case status != 0 && status != http.StatusServiceUnavailable && !l.lenient:
			l.odd = append(l.odd, fmt.Sprintf("%s: %d %s", time.Now().Format("15:04:05.0"), status, answer))
		}
		l.refuse = append(l.refuse, refusal{time.Now(), status, answer})
		l.mu.Unlock()
		time.Sleep(200 * time.Millisecond)
	}
}

// ask is one try; the status 0 is no answer.
func (l *clusterLoad) ask(m *member, key string) (status int, answer string) {
	req, err := http.NewRequestWithContext(l.Context(), http.MethodPost, "http://"+m.at(portAPI)+"/api/v2/jobs/"+l.clicked+"/trigger", nil)
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+l.adminToken())
	req.Header.Set(events.HeaderKey, key)
	resp, err := l.asker.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// goesOn reports whether a file and a trigger that came after a moment were called for.
func (l *clusterLoad) goesOn(since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	file, click := false, false
	for _, f := range l.files {
		file = file || f.began.After(since) && f.id != ""
	}
	for _, c := range l.clicks {
		click = click || c.began.After(since) && c.id != "" && len(l.calls[l.key(c.id)]) > 0
	}
	return file && click
}

// wanted are all triggers that there must be, with what each is.
func (l *clusterLoad) wanted() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]string{}
	for _, job := range l.clock {
		for minute := l.first; minute <= l.last; minute++ {
			all[l.key(events.CronTriggerID(job, minute))] = "slot " + minute.Time().Format("15:04") + " of " + job
		}
	}
	for key, c := range l.clicks {
		all[l.key(c.id)] = "trigger " + key
	}
	for name, f := range l.files {
		if f.id != "" {
			all[f.id] = "file " + name
		} else {
			all["file "+name] = "file " + name
		}
	}
	return all
}

// missing are those of them that nobody has called for.
func (l *clusterLoad) missing() (list []string) {
	all := l.wanted()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if len(l.calls[id]) == 0 {
			list = append(list, all[id])
		}
	}
	return list
}

func listenAt(t testing.TB, host string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
