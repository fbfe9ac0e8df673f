package cron

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/sorting"
	"spool.internal/events/wait"
)

// bootLedger says for which start of a host a job has run; jet.Bus is one.
type bootLedger interface {
	Boot(ctx context.Context, jobID, host string) (events.Boot, uint64, error)
	CommitBoot(ctx context.Context, t events.Trigger, boot events.Boot, expect uint64) error
}

// boots triggers the jobs with the schedule @reboot, once for each start of this host.
// A job runs that was what it is before the host started; its claim is in the commit of
// its trigger, so however often cron starts, and with however many replicas, it is one.
type boots struct {
	ledger bootLedger
	index  *index
	boot   func() (events.Boot, error) // the start of this host that goes on
	ready  func() error                // nil once the index is whole
	now    func() time.Time
	log    *slog.Logger
}

// run waits for the index, and triggers what is due.
func (b *boots) run(ctx context.Context) {
	for ctx.Err() == nil && b.ready() != nil {
		_ = wait.Sleep(ctx, 100*time.Millisecond)
	}
	boot, err := b.boot()
	if err != nil {
		b.log.Info("this host does not say when it started: no job runs @reboot", "error", err.Error())
		return
	}
	retry := wait.Backoff{First: firstRetry, Last: lastRetry}
	for said := false; ctx.Err() == nil; _ = wait.Sleep(ctx, wait.Jitter(retry.Next())) {
		err := b.trigger(ctx, boot)
		if err == nil {
			return
		}
		if !said && ctx.Err() == nil {
			b.log.Warn("jobs cannot be triggered for the start of the machine now", "error", err.Error())
			said = true
		}
	}
}

func (b *boots) trigger(ctx context.Context, boot events.Boot) error {
	for _, j := range b.index.reboots(events.MinuteOf(boot.At)) {
		done, at, err := b.ledger.Boot(ctx, j.id, boot.Host)
		if err != nil {
			return err
		}
		if done.ID == boot.ID {
			continue
		}
		err = b.ledger.CommitBoot(ctx, trigger(j.id, j.Seq, events.MinuteOf(boot.At), b.now()), boot, at)
		if jet.IsConflict(err) {
			continue // another replica of this host was first
		}
		if err != nil {
			return err
		}
		b.log.Info("job triggered for the start of the machine", "job_id", j.id, "boot_id", boot.ID)
	}
	return nil
}

// reboots gives the enabled jobs with the schedule @reboot that were so before a minute.
func (x *index) reboots(minute events.Minute) (jobs []*job) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, g := range x.groups {
		if !g.times.Reboot() {
			continue
		}
		for _, j := range g.jobs {
			if j.Enabled && j.Start < minute {
				jobs = append(jobs, j)
			}
		}
	}
	sorting.By(jobs, func(a, b *job) int { return strings.Compare(a.id, b.id) })
	return jobs
}
