//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// zooCommands are the words of the scripts, as testdata/zoo/README.md explains them.
var zooCommands = map[string]func(*testscript.TestScript, bool, []string){
	"job":         word(0, 9, (*script).makeJob),
	"disable":     word(0, 0, func(c *script, ts *testscript.TestScript, _ []string) { c.able(ts, "disable") }),
	"enable":      word(0, 0, func(c *script, ts *testscript.TestScript, _ []string) { c.able(ts, "enable") }),
	"hold":        word(0, 0, func(c *script, _ *testscript.TestScript, _ []string) { c.z.endpoint.hold(c.job) }),
	"release":     word(0, 0, func(c *script, _ *testscript.TestScript, _ []string) { c.z.endpoint.release(c.job) }),
	"runs":        word(1, 1, (*script).runs),
	"ran":         word(2, 9, (*script).ran),
	"seen":        word(1, 2, (*script).seen),
	"watch-state": word(1, 9, (*script).watchState),
	"outcome":     word(1, 1, (*script).outcome),
	"file-says":   word(2, 2, (*script).fileSays),
	"reprocess":   word(1, 1, (*script).reprocess),
	"log":         word(1, 1, (*script).log),

	"append":       word(2, 2, appendTo),
	"open":         word(1, 2, (*script).openFile),
	"put":          word(2, 2, (*script).put),
	"close":        word(1, 1, (*script).closeFile),
	"mmap":         word(2, 2, (*script).mmap),
	"munmap":       word(1, 1, (*script).munmap),
	"write-slowly": word(3, 3, writeSlowly),
	"preallocate":  word(2, 2, (*script).preallocate),
	"rsync":        word(2, 3, rsync),
	"watch-opens":  word(1, 1, (*script).watchOpens),
	"opened":       opened,
}

// word makes a command of a method; it takes between least and most arguments and no negation.
func word(least, most int, f func(*script, *testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < least || len(args) > most {
			ts.Fatalf("it takes %d to %d arguments, and no negation", least, most)
		}
		f(scriptOf(ts), ts, args)
	}
}

// makeJob: job [on=endpoint|runner|nobody] [watch.recursive=true] […]
func (c *script) makeJob(ts *testscript.TestScript, args []string) {
	c.harness = "endpoint"
	spool, watch := map[string]any{}, map[string]any{}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		if key == "on" {
			c.harness = value
			continue
		}
		var v any = value
		_ = json.Unmarshal([]byte(value), &v) // else it is a text
		if name, ok := strings.CutPrefix(key, "watch."); ok {
			watch[name] = v
		} else {
			spool[key] = v
		}
	}
	spool["watch"] = watch
	if c.z.harnesses[c.harness] == nil {
		ts.Fatalf("on=%s: endpoint, runner or nobody", c.harness)
	}
	rel, err := filepath.Rel(c.z.dir, c.in)
	ts.Check(err)
	body := map[string]any{"name": ts.Name(), "spool": spool, "flow_parameters": map[string]any{
		"auth_token": "<oauth token>", "binary_path": testDrive + "/zoo.flow", "input_dir": testDrive + "/" + rel,
		"settings": map[string]any{"spooled_mode": true},
	}}
	text, err := c.ask(http.MethodPost, "/api/v1/scheduler/create_job", body)
	ts.Check(err)
	var answer struct {
		ID string `json:"job_id"`
	}
	ts.Check(json.Unmarshal([]byte(text), &answer))
	if c.job = answer.ID; c.job == "" {
		ts.Fatalf("create_job: %s", text)
	}
	c.watchState(ts, []string{"state=live|poll"})
}

func (c *script) able(ts *testscript.TestScript, what string) {
	_, err := c.ask(http.MethodPost, "/api/v2/jobs/"+c.job+"/"+what, nil)
	ts.Check(err)
	c.disabled = what == "disable"
}

// runs: runs N — as many runs as that, and no more.
func (c *script) runs(ts *testscript.TestScript, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	c.eventually(ts, args[0]+" runs", func() bool { return len(c.calls()) >= want })
	c.settle(ts)
	if got := len(c.calls()); got != want {
		ts.Fatalf("%d runs, want %d\n%s", got, want, c.story())
	}
}

// ran: ran NAME FILE… — the file of that name ran with the content of each of the others, in this order.
func (c *script) ran(ts *testscript.TestScript, args []string) {
	var got, want []string
	for _, call := range c.calls() {
		if call.name == args[0] {
			got = append(got, call.digest)
		}
	}
	for _, file := range args[1:] {
		sum, err := digest(ts.MkAbs(file))
		ts.Check(err)
		want = append(want, sum)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		ts.Fatalf("%q ran with contents %.12s, want %.12s\n%s", args[0], got, want, c.story())
	}
}

// seen: seen NAME [TIMES] — the file is in the ledger, whether or not it has run.
func (c *script) seen(ts *testscript.TestScript, args []string) {
	want := 1
	if len(args) > 1 {
		var err error
		want, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	c.eventually(ts, args[0]+" is seen", func() bool {
		seen, err := c.bus().SeenOnPath(context.Background(), c.job, args[0])
		return err == nil && len(seen) == want
	})
}

// watchState: watch-state KEY=PATTERN… — the state of the folder comes to match.
func (c *script) watchState(ts *testscript.TestScript, args []string) {
	c.eventually(ts, "watch "+strings.Join(args, " "), func() bool {
		state, err := c.state()
		if err != nil {
			return false
		}
		for _, a := range args {
			key, pattern, _ := strings.Cut(a, "=")
			is, err := regexp.MatchString("^(?:"+pattern+")$", fmt.Sprint(state[key]))
			ts.Check(err)
			if !is {
				return false
			}
		}
		return true
	})
}

// outcome: outcome PATTERN — an execution of the job comes to say so.
func (c *script) outcome(ts *testscript.TestScript, args []string) {
	c.says(ts, "/api/v2/jobs/"+c.job+"/results", args[0])
}

// fileSays: file-says NAME PATTERN — "where is my file?" comes to be answered so.
func (c *script) fileSays(ts *testscript.TestScript, args []string) {
	c.says(ts, "/api/v2/jobs/"+c.job+"/files?path="+url.QueryEscape(args[0]), args[1])
}

// log: log PATTERN — spool comes to say so about the job.
func (c *script) log(ts *testscript.TestScript, args []string) {
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	c.eventually(ts, "a line of the log", func() bool {
		for line := range strings.Lines(c.z.logs[c.harness].String()) {
			if strings.Contains(line, c.job) && pattern.MatchString(line) {
				return true
			}
		}
		return false
	})
}

// reprocess: reprocess NAME — somebody asks for the file to be run again.
func (c *script) reprocess(ts *testscript.TestScript, args []string) {
	_, err := c.ask(http.MethodPost, "/api/v2/jobs/"+c.job+"/files/reprocess", map[string]string{"path": args[0]})
	ts.Check(err)
}

// appendTo: append FILE TEXT
func appendTo(_ *script, ts *testscript.TestScript, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	ts.Check(err)
	_, err = f.WriteString(args[1] + "\n")
	ts.Check(err)
	ts.Check(f.Close())
}
