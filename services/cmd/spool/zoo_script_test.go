//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// script is what one script has: a folder, and a job that watches it.
type script struct {
	z       *zoo
	work    string // the script's folder, on the drive
	in      string // the watched one
	harness string // which spool
	job     string // its id

	disabled bool
	settled  int // how many files were dropped only to see that all before them are done
	open     map[string]*os.File
	mapped   map[string][]byte
	opens    *opens
}

type scriptKey struct{}

func newScript(z *zoo, work string) *script {
	return &script{z: z, work: work, in: filepath.Join(work, "in"), open: map[string]*os.File{}, mapped: map[string][]byte{}}
}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

func (c *script) close() {
	if c.job != "" {
		c.z.endpoint.release(c.job)
	}
	for _, f := range c.open {
		_ = f.Close()
	}
	for path := range c.mapped {
		_ = c.unmap(path)
	}
	c.opens.close()
}

func (c *script) bus() *jet.Bus { return c.z.buses[c.harness] }

// eventually waits for what spool brings about. That it takes long is no failure; that it never comes is.
func (c *script) eventually(ts *testscript.TestScript, what string, f func() bool) {
	for deadline := time.Now().Add(eventstest.Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if f() {
			return
		}
	}
	ts.Fatalf("%s: did not come about within %s\n%s", what, eventstest.Patience, c.story())
}

// story is what happened so far, for who reads a failure.
func (c *script) story() string {
	var b strings.Builder
	for _, call := range c.calls() {
		fmt.Fprintf(&b, "run of %q: content %.12s, fingerprint %s\n", call.name, call.digest, call.fingerprint)
	}
	if s, err := c.state(); err == nil {
		fmt.Fprintf(&b, "watch: %s\n", events.Encode(s))
	}
	return b.String()
}

// sentinel begins the names of files that only show that those before are done.
const sentinel = "zz-settled-"

// calls are those of the script's own files.
func (c *script) calls() []call {
	var list []call
	for _, call := range c.z.endpoint.of(c.job) {
		if !strings.HasPrefix(call.name, sentinel) {
			list = append(list, call)
		}
	}
	return list
}

// settle drops one more file and waits until it is in the ledger, and so
// everything that was complete before it; then until whatever is queued was called.
func (c *script) settle(ts *testscript.TestScript) {
	ctx := context.Background()
	c.settled++
	name := fmt.Sprint(sentinel, c.settled)
	ts.Check(os.WriteFile(filepath.Join(c.in, name), []byte(name), 0o644))
	c.eventually(ts, "a file dropped after all others is seen", func() bool {
		seen, err := c.bus().SeenOnPath(ctx, c.job, name)
		return err == nil && len(seen) > 0
	})
	if c.disabled || c.z.endpoint.holds(c.job) {
		return
	}
	c.eventually(ts, "the queue is empty", func() bool {
		has, err := c.bus().HasFiles(ctx, c.job)
		return err == nil && !has
	})
}

// state is the state of the folder as spool shows it.
func (c *script) state() (map[string]any, error) {
	m, found, err := c.bus().WatchState(c.job).Last(context.Background())
	if err != nil || !found {
		return nil, fmt.Errorf("no state yet (%w)", err)
	}
	state := map[string]any{}
	return state, json.Unmarshal(m.Data, &state)
}

// ask calls the API of the script's spool.
func (c *script) ask(method, path string, body any) (text string, err error) {
	p := c.z.harnesses[c.harness]
	token, err := os.ReadFile(filepath.Join(p.data, "admin.token"))
	if err != nil {
		return "", err
	}
	var payload io.Reader
	if body != nil {
		payload = strings.NewReader(string(events.Encode(body)))
	}
	req, err := http.NewRequest(method, "http://"+p.api+path, payload)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode > 299 {
		err = fmt.Errorf("%s %s: %s %s", method, path, resp.Status, all)
	}
	return string(all), err
}

// says waits until the API shows something about the job's executions.
func (c *script) says(ts *testscript.TestScript, path, pattern string) {
	want, err := regexp.Compile(pattern)
	ts.Check(err)
	last := ""
	for deadline := time.Now().Add(eventstest.Patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, err := c.ask(http.MethodGet, path, nil)
		ts.Check(err)
		if last = text; want.MatchString(text) {
			return
		}
	}
	ts.Fatalf("%s never says %q, it says\n%s\n%s", path, pattern, last, c.story())
}
