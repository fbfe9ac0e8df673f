package cron

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-co-op/gocron/v2"
	robfig "github.com/robfig/cron/v3"

	"spool.internal/events"
)

// BenchmarkMinuteJob is how late one job of every minute is, of Spool (its trigger is
// stored, on disk) and of its peers (a function is called, or a process has started), all
// in the same five minutes. "bare" commits one message at the minute, and is the floor.
func BenchmarkMinuteJob(b *testing.B) {
	var started []*scheduler
	for _, s := range []*scheduler{
		{name: "spool", start: spoolJob},
		{name: "bare", start: bareJob},
		{name: "gocron", start: gocronJob},
		{name: "robfig", start: robfigJob},
		{name: "supercronic", start: supercronicJob},
		{name: "node-cron", start: nodeCronJob},
	} {
		late, absent := s.start(b)
		if absent != "" {
			fmt.Printf("BenchmarkMinuteJob/%s: absent (%s)\n", s.name, absent)
			continue
		}
		s.late = late
		started = append(started, s)
	}
	time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(5*time.Minute + 30*time.Second)))
	for _, s := range started {
		late := s.late()
		if len(late) < 5 {
			b.Fatalf("%s started %d times in five minutes", s.name, len(late))
		}
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() { //nolint:revive // it was measured already
			}
			quantiles(b, late)
			b.ReportMetric(0, "ns/op")
		})
	}
}

// scheduler is a program that starts something at a minute.
type scheduler struct {
	name  string
	start func(b *testing.B) (late func() []time.Duration, absent string)
	late  func() []time.Duration
}

// lateness gathers how long after its minute something happened.
type lateness struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *lateness) note() {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, now.Sub(now.Truncate(time.Minute)))
}

func (l *lateness) read() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all
}

func spoolJob(b *testing.B) (func() []time.Duration, string) {
	bus := benchBus(b)
	c, err := New(Config{Bus: bus, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	newEditor(func(_ time.Time, ev events.JobEvent) {
		c.loop.engine.index.apply(events.JobRevision{Seq: 1, Event: ev})
	}).create(time.Now(), benchID(0), "* * * * *", options{})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.Run(ctx) })
	b.Cleanup(func() { cancel(); wg.Wait() })
	begun := time.Now().Truncate(time.Minute)
	return func() (late []time.Duration) {
		for _, after := range storedAfter(b, bus, begun) {
			late = append(late, after%time.Minute)
		}
		return late
	}, ""
}

func bareJob(b *testing.B) (func() []time.Duration, string) {
	bus := benchBus(b)
	var l lateness
	everyMinute(b, func() {
		commitBare(b, bus, bareBatches(1), clockAt(b, bus))
		l.note()
		empty(b, bus)
	})
	return l.read, ""
}

// everyMinute calls f at each minute until the benchmark ends.
func everyMinute(b *testing.B, f func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-time.After(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))):
				f()
			case <-done:
				return
			}
		}
	})
	b.Cleanup(func() { close(done); wg.Wait() })
}

func gocronJob(b *testing.B) (func() []time.Duration, string) {
	s, err := gocron.NewScheduler(gocron.WithLocation(time.UTC))
	if err != nil {
		b.Fatal(err)
	}
	var l lateness
	if _, err := s.NewJob(gocron.CronJob("* * * * *", false), gocron.NewTask(l.note)); err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(func() { _ = s.Shutdown() })
	return l.read, ""
}

func robfigJob(b *testing.B) (func() []time.Duration, string) {
	s := robfig.New()
	var l lateness
	if _, err := s.AddFunc("* * * * *", l.note); err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(func() { <-s.Stop().Done() })
	return l.read, ""
}

func supercronicJob(b *testing.B) (func() []time.Duration, string) {
	out := filepath.Join(b.TempDir(), "times")
	table := filepath.Join(b.TempDir(), "crontab")
	if err := os.WriteFile(table, []byte("* * * * * date +%s%N >>"+out+"\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	return program(b, out, "supercronic", table)
}

func nodeCronJob(b *testing.B) (func() []time.Duration, string) {
	if exec.Command("node", "-e", "require('node-cron')").Run() != nil { // NODE_PATH says where it is
		return nil, "node or its module"
	}
	out := filepath.Join(b.TempDir(), "times")
	return program(b, out, "node", "-e", `const fs = require('fs')
		require('node-cron').schedule('* * * * *', () => fs.appendFileSync(process.argv[1], Date.now() + '000000\n'))`, out)
}

// program runs a program that appends the time, in ns, to a file.
func program(b *testing.B, out, name string, args ...string) (func() []time.Duration, string) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, name
	}
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return func() (late []time.Duration) {
		text, err := os.ReadFile(out)
		if err != nil {
			b.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			ns, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			late = append(late, time.Duration(ns)%time.Minute)
		}
		return late
	}, ""
}
