package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// dropper drops files into a folder in two ways and remembers their contents.
type dropper struct {
	p   *harness
	dir string
	mu  sync.Mutex
	sum map[string]string
}

func (d *dropper) remember(name, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sum := sha256.Sum256([]byte(text))
	d.sum[name] = hex.EncodeToString(sum[:])
}

// copyIn drops with cp: the file is there before its content.
func (d *dropper) copyIn(from, to int) {
	for i := from; i < to; i++ {
		name, text := fmt.Sprintf("cp-%05d.txt", i), fmt.Sprintf("copied %d\n", i)
		d.remember(name, text)
		cmd := exec.Command("cp", "/dev/stdin", filepath.Join(d.dir, name))
		cmd.Stdin = bytes.NewReader([]byte(text))
		if out, err := cmd.CombinedOutput(); err != nil {
			d.p.Errorf("cp: %v %s", err, out)
		}
	}
}

// renameIn drops with mv from another folder: the content comes with the name.
func (d *dropper) renameIn(from, to int) {
	for i := from; i < to; i++ {
		name, text := fmt.Sprintf("mv-%05d.txt", i), fmt.Sprintf("moved %d\n", i)
		d.remember(name, text)
		tmp := filepath.Join(d.p.dir, name+".new")
		if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
			d.p.Error(err)
		}
		if err := os.Rename(tmp, filepath.Join(d.dir, name)); err != nil {
			d.p.Error(err)
		}
	}
}

// check holds the runs of a job against what was dropped: each file one key,
// one ended run, one output folder with the right content.
func (d *dropper) check(bus *jet.Bus, job string) {
	p := d.p
	p.Helper()
	want := len(d.sum)
	var ended []events.RunEvent
	p.eventually(fmt.Sprintf("%d ended runs", want), func() bool {
		ended = read(p, bus.Runs(events.Ended, job))
		return len(ended) >= want
	})
	keys, runs, folders, names := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, e := range ended {
		keys[e.TriggerID]++
		runs[e.FlowJobID]++
		folders[e.OutputFolder]++
		if e.Status != events.OK {
			p.Errorf("run of %s ended %s: %s", e.TriggerID, e.Status, e.Message)
		}
		dir := filepath.Join(p.dir, e.OutputFolder[len(testDrive):])
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			p.Errorf("output folder %s holds %d files (%v)", dir, len(entries), err)
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entries[0].Name()))
		if err != nil {
			p.Error(err)
		}
		var out struct{ Name, SHA256 string }
		if err := json.Unmarshal(text, &out); err != nil || d.sum[out.Name] != out.SHA256 || out.SHA256 == "" {
			p.Errorf("%s: %s (%v), want sum %s", entries[0].Name(), text, err, d.sum[out.Name])
		}
		names[out.Name]++
	}
	if len(keys) != want || len(runs) != want || len(folders) != want || len(names) != want || len(ended) != want {
		p.Errorf("%d files: %d ended events, %d keys, %d runs, %d output folders, %d names",
			want, len(ended), len(keys), len(runs), len(folders), len(names))
	}
	out, err := os.ReadDir(filepath.Join(p.dir, "out"))
	if err != nil || len(out) != want {
		p.Errorf("%d folders in out (%v), want %d: a run left one behind", len(out), err, want)
	}
	p.Logf("%d files dropped: %d keys, %d ended runs, %d output folders with the right content", want, len(keys), len(runs), len(folders))
}

// acrossKills drops files in two ways while serve is killed and started again.
func acrossKills(t *testing.T, each, kills int) {
	p := newHarness(t)
	pr := p.serve("--durability", "interval")
	job := p.job("files", "", "flow.ibflowbin", "in", nil)
	d := &dropper{p: p, dir: filepath.Join(p.dir, "in"), sum: map[string]string{}}
	for k := range kills + 1 {
		from, to := k*each/(kills+1), (k+1)*each/(kills+1)
		var wg sync.WaitGroup
		wg.Go(func() { d.copyIn(from, to) })
		wg.Go(func() { d.renameIn(from, to) })
		if k < kills {
			// Somewhere in the middle of dropping, staging, calling and running.
			time.Sleep(time.Duration(150+100*k) * time.Millisecond)
			pr.kill()
		}
		wg.Wait()
		if k < kills {
			pr.start()
		}
	}
	d.check(p.bus(), job)
}

func TestFilesAcrossAKill(t *testing.T) {
	t.Parallel()
	acrossKills(t, 50, 1)
}

func TestLongFilesAcrossKills(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	acrossKills(t, 500, 3)
}

// A durable subscriber also gets the runs that ended while it was down.
func TestSubscriber(t *testing.T) {
	t.Parallel()
	subscriber(t, 40)
}

func TestLongSubscriber(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	subscriber(t, 500)
}

func subscriber(t *testing.T, n int) {
	p := newHarness(t)
	program := filepath.Join(t.TempDir(), "subscriber")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "..", "..", "deploy", "demo", "subscriber")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build subscriber: %v\n%s", err, out)
	}
	p.serve("--durability", "interval")
	job := p.job("files", "", "flow.ibflowbin", "in", nil)
	d := &dropper{p: p, dir: filepath.Join(p.dir, "in"), sum: map[string]string{}}
	out := &lockedBuffer{}
	creds := filepath.Join(t.TempDir(), "mine.creds")
	if said, err := execute(t, command(), "subscriber", "create", "mine", "--job", job, "--filter", "spool.run.ended.>", "-o", creds, "--url", "http://"+p.api, "--data", p.data); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if fi, err := os.Stat(creds); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the credentials are %v, %v", fi, err)
	}
	listen := func() *exec.Cmd {
		cmd := exec.Command(program, "mine", "nats://"+p.nats, creds)
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd
	}
	first := listen()
	d.renameIn(0, 1)
	p.eventually("the subscriber prints a first run", func() bool { return bytes.Count([]byte(out.String()), []byte("\n")) == 1 })
	if err := first.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
	d.renameIn(1, n+1)
	d.check(p.bus(), job)
	listen()
	p.eventually(strconv.Itoa(n)+" more lines", func() bool { return bytes.Count([]byte(out.String()), []byte("\n")) >= n+1 })
	printed := map[string]int{}
	for line := range bytes.Lines([]byte(out.String())) {
		var e events.RunEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		printed[e.FlowJobID]++
	}
	if len(printed) != n+1 {
		t.Errorf("the subscriber printed %d runs, want %d", len(printed), n+1)
	}
	t.Logf("stopped while %d files ran, it printed %d of them", n, len(printed)-1)
	if list, err := execute(t, command(), "subscriber", "list", "--url", "http://"+p.api, "--data", p.data); err != nil || !strings.Contains(list, "mine\tactive\tRUN_EVENTS\tspool.run.ended."+job+".>") {
		t.Errorf("%v: %s", err, list)
	}
	if _, err := execute(t, command(), "subscriber", "revoke", "mine", "--url", "http://"+p.api, "--data", p.data); err != nil {
		t.Error(err)
	}
	if nc, err := nats.Connect("nats://"+p.nats, nats.UserCredentials(creds)); err == nil {
		nc.Close()
		t.Error("the revoked subscriber is let in")
	}
	if said, err := execute(t, command(), "subscriber", "create", "results", "--stream", "RESULTS", "-o", filepath.Join(t.TempDir(), "results.creds"), "--url", "http://"+p.api, "--data", p.data); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	if list, err := execute(t, command(), "subscriber", "list", "--url", "http://"+p.api, "--data", p.data); err != nil || !strings.Contains(list, "results\tactive\tRESULTS") {
		t.Errorf("%v: %s", err, list)
	}
	// Credentials that cannot be kept are not made.
	if _, err := execute(t, command(), "subscriber", "create", "other", "-o", creds, "--url", "http://"+p.api, "--data", p.data); err == nil {
		t.Error("a file that is there was written over")
	}
	if list, err := execute(t, command(), "subscriber", "list", "--url", "http://"+p.api, "--data", p.data); err != nil || strings.Contains(list, "other") || !strings.Contains(list, "revoked") {
		t.Errorf("%v: %s", err, list)
	}
}
