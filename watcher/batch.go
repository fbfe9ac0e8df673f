package watcher

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/watcher/settle"
	"spool.internal/watcher/stage"
)

// maxBatch is how many files are asked about, staged and committed at a time: two messages each fill one atomic batch.
const maxBatch = jet.MaxBatch / 2

// flush takes the batch of complete files through the ledger, the checks, their stages and the queue. Files that
// cannot go on now stay pending.
func (t *turn) flush(ctx context.Context) {
	batch := t.batch
	t.batch = nil
	defer func() {
		for _, c := range batch {
			c.batched = false
		}
	}()
	if len(batch) == 0 || ctx.Err() != nil {
		return
	}
	defer t.f.activity.Touch()
	t.f.activity.Pause()
	fresh, err := t.unknown(ctx, batch)
	if err == nil {
		t.f.activity.Touch()
		fresh, err = t.judge(ctx, fresh)
	}
	if err == nil {
		fresh, err = t.allot(ctx, fresh)
	}
	if t.refused(ctx, &t.w.ledger, err) {
		return
	}
	t.f.activity.Touch()
	staged := t.stage(ctx, fresh)
	t.f.activity.Pause()
	if len(staged) > 0 {
		t.refused(ctx, &t.w.intake, t.commit(ctx, staged))
	}
}

// unknown returns the files that the ledger does not know, whoever entered them; those it knows are done.
func (t *turn) unknown(ctx context.Context, batch []*candidate) (fresh []*candidate, err error) {
	files := make([]events.SeenFile, len(batch))
	for i, c := range batch {
		if c.fingerprint == "" {
			path := t.f.subPath(c.name)
			c.fingerprint = stage.Fingerprint(t.f.jobID, path, t.k.generations[path], c.stat)
		}
		files[i] = t.seenFile(c)
	}
	var known index
	if s := t.k.scan; s != nil {
		if s.asked += len(files); s.asked > indexAfter && !s.opened && !t.f.task.watch.Recursive {
			t.readIndex(ctx)
		}
		known = s.index
	}
	seen := make([]bool, len(files))
	var asked []int
	var questions []events.SeenFile
	for i, f := range files {
		if seen[i] = known.has(f.Fingerprint); !seen[i] {
			asked, questions = append(asked, i), append(questions, f)
		}
	}
	answers, err := t.w.cfg.Bus.SeenFiles(ctx, questions)
	if err != nil {
		return nil, err
	}
	for n, i := range asked {
		seen[i] = answers[n]
	}
	for i, c := range batch {
		if seen[i] {
			t.k.keep(c)
		} else {
			fresh = append(fresh, c)
		}
	}
	return fresh, nil
}

func (t *turn) seenFile(c *candidate) events.SeenFile {
	return events.SeenFile{JobID: t.f.jobID, Path: t.f.subPath(c.name), Fingerprint: c.fingerprint}
}

// stage builds the stages of those files that no program writes, and postpones the others. Files that are not to be run
// need no stage. When the drive takes no more, it goes on with what it has.
func (t *turn) stage(ctx context.Context, fresh []*candidate) (staged []*candidate) {
	b := stage.NewBatch(t.at, stage.Options{JobID: t.f.jobID, Sync: t.w.cfg.SyncStage, Links: t.k.links, Reserve: t.w.cfg.Reserve})
	var trouble error // of the drive
	row := 0          // files that could not be staged, one after the other
	try := func(c *candidate, err error) bool {
		switch {
		case err == nil:
			row = 0
		case !t.putOff(c, err) && !t.unstageable(c, err, &row):
			trouble = err
		}
		return err == nil
	}
	for _, c := range fresh {
		if trouble != nil || ctx.Err() != nil || t.f.stopped.Load() {
			break
		}
		var err error
		if !t.f.initial(c) {
			err = b.Add(ctx, stage.File{Name: c.name, Fingerprint: c.fingerprint, Stat: c.stat, Lease: c.action != settle.Ready})
		}
		if try(c, err) {
			staged = append(staged, c)
		}
	}
	t.f.activity.Touch()
	staged = slices.DeleteFunc(t.confirm(b, staged), func(c *candidate) bool {
		if trouble != nil || t.f.initial(c) {
			return trouble != nil
		}
		var err error
		c.linked, err = b.Place(ctx, c.fingerprint)
		return !try(c, err)
	})
	t.f.sayNoLink(b.NoLink())
	if err := b.Sync(); err != nil {
		staged, trouble = nil, err
	}
	if trouble = errors.Join(trouble, b.Close()); trouble != nil || len(staged) > 0 {
		t.drive(ctx, trouble)
	}
	return staged
}

// confirm postpones those files whose name is new, but whose content may have come after it: something was written
// under the name before the lease was had, or that cannot be known. They wait for their quiet period.
func (t *turn) confirm(b *stage.Batch, staged []*candidate) []*candidate {
	asked, caughtUp := false, false
	return slices.DeleteFunc(staged, func(c *candidate) bool {
		if c.action != settle.Confirm {
			return false
		}
		if !asked {
			asked, caughtUp = true, t.w.notifier.CaughtUp(t.k.watchedPath)
		}
		if caughtUp && t.f.hints.Unwritten(c.name) {
			return false
		}
		c.file.Written()
		b.Drop(c.fingerprint)
		t.k.postpone(c, time.Now())
		return true
	})
}

// putOff postpones a file that cannot be staged now. It returns false when that is not the file's fault.
func (t *turn) putOff(c *candidate, err error) bool {
	now := time.Now()
	switch {
	case errors.Is(err, stage.ErrWriter):
		c.setReason(events.FileOpen, "", now)
		t.k.busy(c, now)
	case errors.Is(err, stage.ErrChanged):
		c.setReason("", "", now)
		t.k.busy(c, now)
	case errors.Is(err, stage.ErrNoLease):
		_, wait := c.file.NoLease(t.k.rule, now)
		t.f.sayNoLease()
		t.k.postpone(c, now.Add(wait))
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return false // this process is short of descriptors
	case errors.Is(err, stage.ErrRead) && errors.Is(err, fs.ErrNotExist):
		t.k.forget(c.name)
	case errors.Is(err, stage.ErrRead):
		t.unreadable(c, err, now)
	default:
		return false
	}
	return true
}

// commit enters the staged files into the ledger and queues their triggers. A file that another watcher has queued
// meanwhile is as good: the stage is theirs.
func (t *turn) commit(ctx context.Context, staged []*candidate) error {
	var triggers []events.Trigger
	var initial []events.SeenFile
	for _, c := range staged {
		if t.f.initial(c) {
			initial = append(initial, t.seenFile(c))
		} else {
			triggers = append(triggers, t.trigger(c))
		}
	}
	if len(initial) > 0 {
		if err := t.w.cfg.Bus.IgnoreFiles(ctx, initial); err != nil {
			return err
		}
	}
	faultpoint.Hit(faultpoint.FileStaged)
	won, err := t.w.cfg.Bus.CommitFiles(ctx, triggers)
	if err != nil {
		return err
	}
	for _, c := range staged {
		t.k.keep(c)
		t.w.letGo(ctx, t.f.jobID, t.f.subPath(c.name))
	}
	log := t.f.log()
	for i, tr := range triggers {
		if won[i] {
			t.w.meter.files.Inc()
		}
		log.Debug("file taken", "trigger_id", tr.ID, "file", tr.File.Path, "size", tr.File.Size, "won", won[i])
	}
	return nil
}

func (t *turn) trigger(c *candidate) events.Trigger {
	file := events.NewFile(t.f.subPath(c.name))
	file.Fingerprint, file.Size, file.ModifiedNS = c.fingerprint, c.stat.Size, c.stat.Modified
	file.Linked, file.Chain = c.linked, c.chain
	file.FirstSeen, file.Complete, file.Came, file.QuietMS = c.seen.UTC(), c.complete.UTC(), c.came(), t.k.rule.For(&c.file).Milliseconds()
	file.InputDir = stage.InputDir(t.w.cfg.Drives.Base(t.f.task.path), t.f.jobID, c.fingerprint)
	return events.Trigger{
		ID: events.FileTriggerID(t.f.jobID, c.fingerprint), JobID: t.f.jobID, Kind: events.KindFile,
		JobSeq: t.f.now.seq.Load(), At: time.Now().UTC(), File: file, Place: t.f.task.place,
	}
}

// refused takes over the outcome of a request to the ledger or the queue, and reports whether it failed.
func (t *turn) refused(ctx context.Context, p *backpressure, err error) bool {
	switch {
	case ctx.Err() != nil:
	case err == nil && p.passed():
		t.w.cfg.Log.Info("files are queued again")
	case err != nil && p.failed(err, time.Now()):
		t.w.cfg.Log.Warn("files cannot be queued: they wait", "error", err.Error())
	}
	return err != nil
}

// drive takes over the outcome of staging on the drive of the folder.
func (t *turn) drive(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil && t.k.staging.passed():
		t.f.log().Info("files are staged again")
	case err != nil && t.k.staging.failed(err, time.Now()):
		t.f.log().Warn("files cannot be staged: they wait", "error", err.Error())
	}
}
