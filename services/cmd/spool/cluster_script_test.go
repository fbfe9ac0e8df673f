package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	"spool.internal/events/eventstest"
	"spool.internal/services/broker"
)

// TestLongClusterScripts plays the scripts of testdata/cluster, which read like runbooks: each has three
// machines on this host, and does what a person does. The README there explains the commands.
func TestLongClusterScripts(t *testing.T) {
	long(t)
	// One after the other: each has three servers.
	names, err := filepath.Glob("testdata/cluster/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			began := time.Now()
			playCluster(t, name)
			t.Logf("took %s", time.Since(began).Round(time.Second))
		})
	}
}

// machinesOf is what a script has: processes by machine.
type machinesOf struct {
	*harness
	procs map[string]*process
	api   map[string]string
}

type machinesKey struct{}

// playCluster plays one script. testscript makes each a parallel test; the caller waits for its group.
func playCluster(t *testing.T, name string) {
	with := func(f func(*machinesOf, *testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
		return func(ts *testscript.TestScript, _ bool, args []string) {
			f(ts.Value(machinesKey{}).(*machinesOf), ts, args)
		}
	}
	testscript.Run(t, testscript.Params{
		Files: []string{name},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"spool": spoolRuns, "exits": exits, "until": until,
			"start": with((*machinesOf).start), "ready": with((*machinesOf).ready), "halt": with((*machinesOf).halt),
			"crash": with((*machinesOf).crash), "lose": with((*machinesOf).lose), "counts": with((*machinesOf).counts),
		},
		Setup: func(env *testscript.Env) error {
			m := &machinesOf{harness: newHarness(env.T().(testing.TB)), procs: map[string]*process{}, api: map[string]string{}}
			env.Values[machinesKey{}], env.Values[harnessKey{}] = m, m.harness
			for i := 1; i <= 6; i++ {
				name := fmt.Sprint("m", i)
				m.api[name] = eventstest.FreeAddress(m)
				env.Setenv(strings.ToUpper(name), eventstest.FreeAddress(m)) // where it reaches the others
				env.Setenv("API_"+strings.ToUpper(name), m.api[name])
			}
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			return os.MkdirAll(filepath.Join(env.WorkDir, "shared/in"), 0o755)
		},
	})
}

// start NAME [FLAG…] starts a machine, and waits for nothing.
func (m *machinesOf) start(ts *testscript.TestScript, args []string) {
	name := args[0]
	pr := m.procs[name]
	if pr == nil {
		pr = &process{p: m.harness, log: &lockedBuffer{}}
		m.procs[name] = pr
		m.Cleanup(func() { pr.kill() })
	}
	pr.args = append([]string{
		"serve", "--data", ts.MkAbs(name), "--bundle", ts.MkAbs("prod.bundle/" + name), "--listen", m.api[name], "--max-store", "1GiB",
		"--drive", testDrive + "=" + ts.MkAbs("shared"),
	}, args[1:]...)
	pr.launch()
}

// ready NAME… waits until machines are ready, and says how long that took.
func (m *machinesOf) ready(ts *testscript.TestScript, names []string) {
	began := time.Now()
	for _, name := range names {
		m.eventually(name+" is ready", func() bool {
			status, _ := m.exchangeQuietly("http://" + m.api[name] + "/readyz")
			return status == 200
		})
	}
	ts.Logf("%s: ready after %s", strings.Join(names, ", "), time.Since(began).Round(100*time.Millisecond))
}

// halt NAME… stops machines in order; crash NAME… as a power cut would; lose NAME… and their disks are gone.
func (m *machinesOf) halt(ts *testscript.TestScript, names []string) {
	for _, name := range names {
		if code := m.procs[name].stop(syscall.SIGTERM); code != 0 {
			ts.Fatalf("%s stopped with status %d", name, code)
		}
	}
}

func (m *machinesOf) crash(_ *testscript.TestScript, names []string) {
	for _, name := range names {
		m.procs[name].kill()
	}
}

func (m *machinesOf) lose(ts *testscript.TestScript, names []string) {
	m.crash(ts, names)
	for _, name := range names {
		ts.Check(os.RemoveAll(ts.MkAbs(name)))
	}
}

// passing is a consumer that a machine has for itself, or one of a folder, which is there while files come.
var passing = regexp.MustCompile(`[-@]m\d$|^file-`)

// ledgers are what stays of streams that hold queues, too.
var ledgers = map[string]string{"FILES": "spool.seen.>", "RUNS": "spool.runkey.>"}

// counts NAME FILE writes how many messages and lasting consumers each stream has that stands still while
// nothing runs.
func (m *machinesOf) counts(ts *testscript.TestScript, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	a, err := broker.Control(ctx, ts.MkAbs(args[0]), "")
	ts.Check(err)
	defer a.Close()
	js, err := jetstream.New(a.NATS())
	ts.Check(err)
	lines, err := countStreams(ctx, js)
	for err != nil && ctx.Err() == nil { // a question dies with a leader that goes: it is asked again
		ts.Logf("asked again: %v", err)
		time.Sleep(200 * time.Millisecond)
		lines, err = countStreams(ctx, js)
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(lines, "")), 0o600))
}

// countStreams tries once to count, each stream in a line.
func countStreams(ctx context.Context, js jetstream.JetStream) (lines []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	moving := []string{"STATE", "DRIVES", "NOTIFICATIONS", "TRIGGERS"} // what machines say of themselves, and the clock
	streams := js.ListStreams(ctx)
	for info := range streams.Info() {
		if slices.Contains(moving, info.Config.Name) {
			continue
		}
		s, err := js.Stream(ctx, info.Config.Name)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", info.Config.Name, err)
		}
		var lasting []string
		consumers := s.ListConsumers(ctx)
		for c := range consumers.Info() {
			if c.Config.Durable != "" && !passing.MatchString(c.Name) {
				lasting = append(lasting, c.Name)
			}
		}
		if err := consumers.Err(); err != nil {
			return nil, fmt.Errorf("consumers of %s: %w", info.Config.Name, err)
		}
		slices.Sort(lasting)
		n := info.State.Msgs
		if ledger := ledgers[info.Config.Name]; ledger != "" { // what is queued beside it goes in its own time
			entries, err := s.Info(ctx, jetstream.WithSubjectFilter(ledger))
			if err != nil {
				return nil, fmt.Errorf("subjects of %s: %w", info.Config.Name, err)
			}
			n = uint64(len(entries.State.Subjects))
		}
		lines = append(lines, fmt.Sprintf("%s %d messages, consumers %s\n", info.Config.Name, n, strings.Join(lasting, " ")))
	}
	slices.Sort(lines)
	return lines, streams.Err()
}

// exchangeQuietly asks a server that may not be there.
func (p *harness) exchangeQuietly(url string) (status int, body []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		p.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, _ = io.ReadAll(resp.Body)
	return resp.StatusCode, body
}
