package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// BenchmarkCronProcess is what `spool cron` as a process of its own takes with
// 100,000 jobs on 500 distinct schedules: to start, of memory, and of a processor
// through a minute at which nothing is due. Its floor is the same process without a job.
func BenchmarkCronProcess(b *testing.B) {
	b.Run("floor", func(b *testing.B) { cronProcess(b, 0) })
	b.Run("jobs=100000", func(b *testing.B) { cronProcess(b, 100_000) })
}

func cronProcess(b *testing.B, jobs int) {
	p := newHarness(b)
	p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--durability", "interval", "--max-store", fmt.Sprint(8<<30))
	scheduleJobs(p, jobs, 500)
	c := p.start("cron", "--data", p.data, "--nats-url", "nats://"+p.nats, "--nats-creds", filepath.Join(p.data, "cron.creds"))
	for b.Loop() {
		c.kill() // the first start had to answer for the time since the first job came
		began := time.Now()
		c.start()
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-start")
		b.ReportMetric(processor(p, c.cmd.Process.Pid).Seconds()*1000, "ms-start-cpu")
		time.Sleep(5 * time.Second)
		before := processor(p, c.cmd.Process.Pid)
		time.Sleep(time.Minute)
		used := processor(p, c.cmd.Process.Pid) - before
		b.ReportMetric(used.Seconds()/time.Minute.Seconds()*100, "%-idle")
		b.ReportMetric(memory(p, c.cmd.Process.Pid, "VmRSS:"), "MB-idle")
		b.ReportMetric(memory(p, c.cmd.Process.Pid, "VmHWM:"), "MB-peak")
	}
	b.ReportMetric(0, "ns/op") // the wait for a minute says nothing
}

// scheduleJobs stores jobs that are due in two hours and later.
func scheduleJobs(p *harness, jobs, schedules int) {
	p.Helper()
	bus, now := p.bus(), time.Now().UTC()
	var wg sync.WaitGroup
	for part := range 16 {
		wg.Go(func() {
			for n := part; n < jobs; n += 16 {
				slot := now.Add(2*time.Hour + time.Duration(n%schedules)*time.Minute)
				if err := scheduleJob(p, bus, n, fmt.Sprintf("%d %d * * *", slot.Minute(), slot.Hour()), now); err != nil {
					p.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func scheduleJob(p *harness, bus *jet.Bus, n int, schedule string, now time.Time) error {
	id := fmt.Sprintf("6bc58441-1f60-4265-99f1-%012d", n)
	_, err := bus.PutJob(p.Context(), events.JobEvent{Event: events.JobCreated, By: "admin", At: now, From: "127.0.0.1", Job: events.Job{
		ID: id, Username: "admin", Name: "Daily Job", Status: events.Enabled, CreatedOnNS: now.UnixNano(), EffectiveFrom: now,
		Parameters: events.Encode(map[string]any{
			"name": "Daily Job", "schedule": schedule, "spool": map[string]any{"timezone": "Etc/UTC"},
			"flow_parameters": map[string]any{
				"auth_token": events.Mask, "binary_path": testDrive + "/flow.ibflowbin", "input_dir": testDrive + "/in/" + id,
				"settings": map[string]any{"tags": []string{"tag1", "tag2"}, "runtime_config": map[string]any{"key": "value"}},
			},
		}),
		Secrets: map[string]string{events.TokenPointer: strings.Repeat("x", 110)},
	}}, 0)
	return err
}

// processor gives the time that a process has computed.
func processor(p *harness, pid int) time.Duration {
	p.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		p.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before it may hold anything
	fields := strings.Fields(rest)
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		p.Fatal(err)
	}
	system, err := strconv.Atoi(fields[12])
	if err != nil {
		p.Fatal(err)
	}
	return time.Duration(user+system) * (time.Second / 100)
}
