package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// crontab is what a script about crontabs has at hand.
type crontab struct {
	*harness
	bus    *jet.Bus
	srv    string   // what the lines call /srv
	jobs   []string // by line
	log    string   // what the last run printed
	pings  atomic.Int64
	pinged *httptest.Server
}

// TestPeople plays the scripts of testdata/people: work as people have it, moved to
// Spool as it is.
func TestPeople(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"curl", "flock", "tar", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the lines need %s, which this machine has not", program)
		}
	}
	c := &crontab{harness: newHarness(t)}
	c.pinged = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { c.pings.Add(1) }))
	t.Cleanup(c.pinged.Close)
	c.serve()
	c.bus = c.harness.bus()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/people", Setup: c.setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"crontab": c.make, "runs": c.run, "printed": c.printed, "denied": c.denied,
			"pinged": func(ts *testscript.TestScript, _ bool, _ []string) {
				if c.pings.Load() == 0 {
					ts.Fatalf("nobody was called")
				}
			},
		},
	})
}

// setup lays out /srv outside the folder of the script, with an archive that is a month old.
func (c *crontab) setup(env *testscript.Env) error {
	c.srv = filepath.Join(env.WorkDir, "srv")
	backup := filepath.Join(c.srv, "backup")
	old := filepath.Join(backup, "old.tar.gz")
	if err := os.MkdirAll(backup, 0o755); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(env.WorkDir, "www"), filepath.Join(c.srv, "www")); err != nil {
		return err
	}
	if err := os.WriteFile(old, nil, 0o644); err != nil {
		return err
	}
	month := time.Now().AddDate(0, -1, 0)
	env.Setenv("SRV", c.srv)
	return os.Chtimes(old, month, month)
}

// cronLine is a schedule and a command, with blanks between.
var cronLine = regexp.MustCompile(`^(@\w+|(?:\S+\s+){4}\S+)\s+(.*)$`)

// here puts the folders of the test where a line has others.
func (c *crontab) here(command string) string {
	return strings.NewReplacer("/srv", c.srv, "PING", strings.TrimPrefix(c.pinged.URL, "http://")).Replace(command)
}

func (c *crontab) body(schedule, command string) object {
	return object{
		"name": command, "schedule": schedule, "run": object{"command": command},
		"input": filepath.Join(c.srv, "www"), "settings": object{"output_dir": filepath.Join(c.srv, "backup")},
	}
}

// make makes a job of each line.
func (c *crontab) make(ts *testscript.TestScript, _ bool, args []string) {
	for text := range strings.Lines(ts.ReadFile(args[0])) {
		parts := cronLine.FindStringSubmatch(strings.TrimSpace(text))
		if parts == nil {
			ts.Fatalf("%q is no line of a crontab", text)
		}
		status, answer := c.send("POST", "jobs", c.body(parts[1], c.here(parts[2])))
		id, ok := answer["job_id"].(string)
		if !ok {
			ts.Fatalf("%s: %d %v", text, status, answer)
		}
		c.jobs = append(c.jobs, id)
	}
}

// run has a line run, which must end well.
func (c *crontab) run(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	end, log := c.runs(c.bus, c.jobs[n-1])
	if c.log = log; end.Status != events.OK {
		ts.Fatalf("line %d: %s, printed %q", n, end.Message, log)
	}
}

func (c *crontab) printed(ts *testscript.TestScript, _ bool, args []string) {
	if !regexp.MustCompile(args[0]).MatchString(c.log) {
		ts.Fatalf("printed %q, want %s", c.log, args[0])
	}
}

// denied has a command run that must end badly.
func (c *crontab) denied(ts *testscript.TestScript, _ bool, args []string) {
	job := c.short(c.body("@yearly", c.here(args[0])))
	if end, log := c.runs(c.bus, job); end.Status != events.ERROR {
		ts.Fatalf("%s was not denied, printed %q", args[0], log)
	}
}
