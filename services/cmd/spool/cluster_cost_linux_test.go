package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// cost is what one item costs a store: in one copy, and all of its servers together.
type cost struct {
	what     string
	n        int
	bytes    float64       // that one copy keeps of it
	cpu      time.Duration // of all servers together
	rate     float64       // a second
	p50, p99 time.Duration // where they come one at a time
}

// priced is a store whose costs are measured: nats-server on one machine or three, each
// message synced to the disk before it counts.
type priced struct {
	*trio
	bus   *jet.Bus
	all   map[string]cost
	order []string // in which they were measured
}

func newPriced(t testing.TB, replicas int) *priced {
	w := newMachines(t, replicas, false)
	w.store = 25 << 10
	for _, m := range w.machines {
		m.server()
	}
	w.connect()
	w.setup()
	return &priced{trio: w, bus: w.bus(), all: map[string]cost{}}
}

// measure has f store n of something, and keeps what that cost.
func (p *priced) measure(what string, n int, f func(i int) error, clients int) cost {
	p.Helper()
	bytes, cpu, began := p.stored(), p.cpu(), time.Now()
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := c; i < n; i += clients {
				at := time.Now()
				if err := f(i); err != nil {
					p.Errorf("%s: %v", what, err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(at))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	lasted := time.Since(began)
	slices.Sort(took)
	c := cost{
		what: what, n: n, bytes: (p.stored() - bytes) / float64(n), cpu: (p.cpu() - cpu) / time.Duration(n), rate: float64(n) / lasted.Seconds(),
		p50: took[len(took)/2], p99: took[len(took)*99/100],
	}
	p.all[what], p.order = c, append(p.order, what)
	p.Logf("%s: %s", what, c)
	return c
}

// batched is measure for what comes in batches of a size.
func (p *priced) batched(what string, batches, size int, f func(batch int) error) {
	p.Helper()
	c := p.measure(what, batches, f, 1)
	c.n, c.bytes, c.cpu, c.rate = batches*size, c.bytes/float64(size), c.cpu/time.Duration(size), c.rate*float64(size)
	p.all[what] = c
}

// stored is how many bytes one copy of all streams has.
func (p *priced) stored() (sum float64) {
	p.Helper()
	streams := p.js.ListStreams(p.Context())
	for info := range streams.Info() {
		sum += float64(info.State.Bytes)
	}
	if err := streams.Err(); err != nil {
		p.Fatal(err)
	}
	return sum
}

// cpu is how long the servers have used a processor.
func (p *priced) cpu() (sum time.Duration) {
	p.Helper()
	for _, m := range p.machines {
		sum += cpuOf(p, m.procs[0].cmd.Process.Pid)
	}
	return sum
}

func cpuOf(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	var ns int64
	if err == nil {
		_, err = fmt.Sscan(string(text), &ns)
	}
	if err != nil {
		t.Fatal(err)
	}
	return threads(t, pid, ns)
}

// threads adds up those of a process: its own schedstat is that of its first thread alone.
func threads(t testing.TB, pid int, first int64) time.Duration {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	sum := first
	for _, task := range tasks {
		if task.Name() == fmt.Sprint(pid) {
			continue
		}
		var ns int64
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, task.Name())); err == nil {
			_, _ = fmt.Sscan(string(text), &ns)
		}
		sum += ns
	}
	return time.Duration(sum)
}

// pricedJob is a job like most: a schedule, a webhook and a sealed token.
func pricedJob(n int, schedule string) events.JobEvent {
	return events.JobEvent{Event: events.JobCreated, At: time.Now(), Job: events.Job{
		ID: pricedID(n), Username: "admin", Status: events.Enabled, Name: "Daily Job", CreatedOnNS: time.Now().UnixNano(),
		Parameters: json.RawMessage(`{"schedule":"` + schedule + `","name":"Daily Job","flow_parameters":{"auth_token":"` + events.Mask +
			`","binary_path":"a/b/fs/D/f","input_dir":"a/b/fs/D/in","settings":{"tags":["tag1"],"webhook_config":{"url":"https://example.com/webhook","headers":{"Authorization":"` + events.Mask + `"}}}}}`),
		Secrets: map[string]string{events.TokenPointer: strings.Repeat("x", 110)},
	}}
}

func pricedID(n int) string { return fmt.Sprintf("5d0c3f2e-6f7a-5b3c-9a55-%012d", n) }

// slotOf is the trigger of a job at a minute.
func slotOf(n int, minute events.Minute) events.Trigger {
	return events.Trigger{ID: events.CronTriggerID(pricedID(n), minute), JobID: pricedID(n), Kind: events.KindCron, JobSeq: uint64(n), At: minute.Time(), Minute: minute}
}

// pricedResult is what is kept of an execution whose endpoint answered with 60 bytes.
func pricedResult(t events.Trigger) events.Result {
	return events.Result{
		TriggerID: t.ID, JobID: t.JobID, Kind: t.Kind, Minute: t.Minute, Slot: t.Minute.Time(), Job: &events.JobRef{Name: "Daily Job"}, File: t.File,
		TriggeredAt: t.At, StartedAt: t.At, EndedNS: t.At.UnixNano(), Status: events.OK, FlowJobID: uuid.NewString(), Attempts: 1,
		Outcome: "called", Why: "the endpoint answered after 12 ms",
		HTTP: events.HTTPResult{
			Status: "200", Headers: []events.Header{{Key: "Content-Type", Value: "application/json"}, {Key: "Date", Value: time.Now().UTC().Format(time.RFC1123)}},
			Response: `{"status":"OK","data":{"job_id":"` + uuid.NewString() + `"}}`,
		},
	}
}

// fileOf is the trigger of a file.
func fileOf(n int) events.Trigger {
	f := events.NewFile(fmt.Sprintf("scan-%08d.pdf", n))
	f.Fingerprint, f.Size, f.ModifiedNS = events.Hash(f.Path), 12345, time.Now().UnixNano()
	f.InputDir = testDrive + "/.spool/" + pricedID(0) + "/" + f.Fingerprint + "/input"
	return events.Trigger{ID: events.FileTriggerID(pricedID(0), f.Fingerprint), JobID: pricedID(0), Kind: events.KindFile, JobSeq: 1, At: time.Now(), File: f}
}

// items measures everything that is stored, so many times part of the usual number.
func (p *priced) items(part int) {
	ctx := p.Context()
	p.measure("job event, 64 clients", 2000/part, func(n int) error {
		_, err := p.bus.PutJob(ctx, pricedJob(n, "@daily"), 0)
		return err
	}, 64)
	manual := func(n int) error {
		t := events.Trigger{ID: events.ManualTriggerID(pricedID(n%100), uuid.NewString()), JobID: pricedID(n % 100), Kind: events.KindManual, JobSeq: 1, At: time.Now(), By: "admin"}
		_, err := p.bus.PutTrigger(ctx, events.KindManual, t)
		return err
	}
	p.measure("trigger, one at a time", 500/part, manual, 1)
	p.measure("trigger, 64 clients", 4000/part, manual, 64)
	p.takenOff("trigger taken off its queue", p.bus.Triggers(events.KindManual, "").Queue("dispatch-manual", 1000), 500/part+4000/part, nil)
	minute := events.Minute(29_000_000)
	for _, size := range []int{10, 100, 999} {
		p.slots(fmt.Sprint("slots, batches of ", size), 60/part, size, &minute)
	}
	p.batched("file: ledger and queue, batches of 500", 20/part, 500, func(batch int) error {
		list := make([]events.Trigger, 500)
		for i := range list {
			list[i] = fileOf(batch*500 + i)
		}
		_, err := p.bus.CommitFiles(ctx, list)
		return err
	})
	writer := p.bus.NewResults()
	p.measure("result, an answer of 60 B", 4000/part, func(n int) error { return writer.Put(ctx, jet.EncodeResult(pricedResult(slotOf(n, minute)))) }, 256)
	p.measure("run with its three events", 400/part, p.run, 8)
	p.measure("leader read", 1000/part, func(n int) error {
		_, err := p.nc.Request("$JS.API.STREAM.MSG.GET.JOBS", []byte(`{"last_by_subj":"spool.job.`+pricedID(n%100)+`"}`), 5*time.Second)
		return err
	}, 1)
}

// tenThousand drops 10,000 files at once, with two watchers, two dispatchers and an endpoint
// that does nothing.
func (p *priced) tenThousand(part int) {
	p.Helper()
	files := 10_000 / part
	var called atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		called.Add(1)
		_, _ = io.WriteString(w, `{"status":"OK"}`)
	}))
	defer endpoint.Close()
	p.putWatchJob(p.bus, "flood", "flood", 256)
	dir := filepath.Join(p.dir, "prepared")
	for _, err := range []error{os.Mkdir(dir, 0o755), os.Mkdir(filepath.Join(p.dir, "flood"), 0o755)} {
		if err != nil {
			p.Fatal(err)
		}
	}
	for n := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("f", n)), []byte("content"), 0o644); err != nil {
			p.Fatal(err)
		}
	}
	var roles []*process
	for i := range 2 {
		m := p.machines[i%len(p.machines)]
		m.copies(p.machines[0], "dispatcher/seal.key")
		roles = append(roles, m.role("dispatcher", "--insecure-endpoint", "--run-binary-url", endpoint.URL+events.RunBinaryPath, "--workers", "64"))
		m.awaitReady(roles[len(roles)-1])
		roles = append(roles, m.role("watcher", "--drive", testDrive+"="+p.dir))
		m.awaitReady(roles[len(roles)-1])
	}
	time.Sleep(time.Second) // until both watch the folder
	p.measure("10,000 files at once, two watchers, two dispatchers: a file", 1, func(int) error {
		for n := range files {
			if err := os.Rename(filepath.Join(dir, fmt.Sprint("f", n)), filepath.Join(p.dir, "flood", fmt.Sprint("f", n))); err != nil {
				return err
			}
		}
		p.eventually("all are called for", func() bool { return called.Load() >= int64(files) })
		return nil
	}, 1)
	what := p.order[len(p.order)-1]
	c := p.all[what]
	c.n, c.bytes, c.cpu, c.rate, c.p50, c.p99 = files, c.bytes/float64(files), c.cpu/time.Duration(files), c.rate*float64(files), 0, 0
	p.all[what] = c
	if n := called.Load(); n != int64(files) {
		p.Logf("%d calls of %d files", n, files)
	}
	for _, pr := range roles {
		pr.kill()
	}
}

// slots commits batches of the triggers of a minute.
func (p *priced) slots(what string, batches, size int, minute *events.Minute) {
	p.Helper()
	_, seq, err := p.bus.Clock(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	p.batched(what, batches, size, func(int) error {
		*minute++
		var list []events.Trigger
		for i := range size {
			list = append(list, slotOf(i, *minute))
		}
		seq, err = p.bus.CommitPass(p.Context(), events.Clock{Minute: *minute}, seq, events.Answers{Fired: list})
		return err
	})
	if err := p.bus.Triggers(events.KindCron, "").Clear(p.Context()); err != nil {
		p.Fatal(err)
	}
}

// run is what the built-in runner stores of one run.
func (p *priced) run(int) error {
	ctx, id := p.Context(), uuid.NewString()
	r := events.Run{
		FlowJobID: id, TriggerID: events.ManualTriggerID(pricedID(0), id), JobID: pricedID(0), Owner: "admin", BinaryPath: "a/b/fs/D/f", InputDir: "a/b/fs/D/in",
		OutputFolder: "a/b/fs/D/out/20261130-000211-" + id, Settings: json.RawMessage(`{"tags":["tag1"]}`), AcceptedAt: time.Now(),
	}
	if _, _, err := p.bus.AcceptRun(ctx, "default", r); err != nil {
		return err
	}
	for _, phase := range []events.Phase{events.Accepted, events.Started, events.Ended} {
		ev := events.RunEvent{Phase: phase, At: time.Now(), FlowJobID: id, TriggerID: r.TriggerID, JobID: r.JobID, Owner: r.Owner, BinaryPath: r.BinaryPath, InputDir: r.InputDir, OutputFolder: r.OutputFolder}
		switch phase {
		case events.Started:
			ev.Attempt, ev.Process = 1, &events.Process{Host: "host", Boot: uuid.NewString(), PID: 4711, StartTime: "123456", Runner: uuid.NewString()}
		case events.Ended:
			ev.Attempt, ev.Status, ev.ExitStatus, ev.Outcome, ev.Why = 1, events.OK, new(0), "ok", "the run ended ok after 55 ms and wrote 1 file"
			ev.Outputs, ev.OutputCount = []events.Output{{Path: "2026/11/scan1.txt", Size: 11}}, new(1)
		}
		if err := p.bus.PutRunEvent(ctx, ev, 0); err != nil {
			return err
		}
	}
	return p.bus.KeepRun(ctx, "default", r)
}

// takenOff measures what it costs to take n messages off a queue, and to do something with each.
func (p *priced) takenOff(what string, q jet.Queue, n int, each func(*jet.Delivery) error) {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	work := make(chan *jet.Delivery, 4096)
	var pull sync.WaitGroup
	pull.Go(func() {
		if err := p.bus.Pull(ctx, q, 1000, func(d *jet.Delivery) { work <- d }); err != nil && ctx.Err() == nil {
			p.Error(err)
		}
	})
	cpu, began := p.cpu(), time.Now()
	c := p.measure(what, n, func(int) error {
		select {
		case d := <-work:
			if each != nil {
				if err := each(d); err != nil {
					return err
				}
			}
			return d.Ack()
		case <-time.After(time.Minute):
			return fmt.Errorf("the queue is empty before %d are off", n)
		}
	}, 64)
	p.eventually("the server has confirmed every ack", func() bool { // until then they are on their way, in groups
		out, _, err := p.bus.Unsettled(p.Context(), q)
		return err == nil && out == 0
	})
	c.rate, c.cpu = float64(n)/time.Since(began).Seconds(), (p.cpu()-cpu)/time.Duration(n)
	p.all[what] = c
	cancel()
	pull.Wait()
}
