package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"spool.internal/events"
)

// A clock that ran ahead makes cron wait and say so; a rewind mends it, at a broker
// that runs and in the folder of one that does not.
func TestCronRewind(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	creds := filepath.Join(p.data, "cron.creds")
	args := []string{"broker", "--data", p.data, "--nats-listen", p.nats, "--results-per-job", "77"}
	b := p.start(args...)
	bus := p.bus()
	ahead := func() {
		t.Helper()
		_, at, err := bus.Clock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		minute := events.MinuteOf(time.Now()) + 600
		if _, err := bus.CommitPass(t.Context(), events.Clock{From: minute, Minute: minute}, at, events.Answers{}); err != nil {
			t.Fatal(err)
		}
	}
	isNow := func() {
		t.Helper()
		clock, _, err := bus.Clock(t.Context())
		if late := events.MinuteOf(time.Now()) - clock.Minute; err != nil || late < 0 || late > 1 {
			t.Errorf("the clock is %d minutes behind (%v)", late, err)
		}
	}

	ahead()
	c := &process{p: p, log: &lockedBuffer{}, args: []string{
		"cron", "--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", creds,
	}}
	c.cmd = exec.Command(binary, c.args...)
	c.cmd.Stderr, c.cmd.Stdout = c.log, c.log
	if err := c.cmd.Start(); err != nil { // without waiting for it to be ready
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	p.eventually("cron says that it waits", func() bool { return strings.Contains(c.log.String(), "spool cron rewind") })
	out, err := execute(t, cronRewindCommand(), "--nats-url", "nats://"+p.nats, "--nats-creds", creds)
	if err != nil || !strings.Contains(out, "is at "+time.Now().UTC().Format("2006-01-02T15:")) {
		t.Errorf("rewind: %q, %v", out, err)
	}
	isNow()
	p.eventually("cron is ready", func() bool { return strings.Contains(c.log.String(), "msg=ready") })
	if _, err := execute(t, cronRewindCommand(), "--nats-url", "nats://"+p.nats, "--nats-creds", creds); err == nil || !strings.Contains(err.Error(), "not ahead") {
		t.Errorf("a rewind of a clock that is right: %v", err)
	}
	c.kill()

	ahead()
	if _, err := execute(t, cronRewindCommand(), "--data", p.data); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a rewind in the folder of a broker that runs: %v", err)
	}
	b.stop(syscall.SIGTERM)
	if out, err := execute(t, cronRewindCommand(), "--data", p.data); err != nil || !strings.Contains(out, "slots between") {
		t.Errorf("rewind: %q, %v", out, err)
	}
	b.start()
	p.eventually("the test's connection", func() bool { return bus.Check() == nil })
	isNow()

	for _, args := range [][]string{{}, {"--data", t.TempDir()}} {
		if _, err := execute(t, cronRewindCommand(), args...); err == nil || !strings.Contains(err.Error(), "data: ") {
			t.Errorf("rewind %v: %v", args, err)
		}
	}
}
