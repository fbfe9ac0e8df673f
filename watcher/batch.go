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
			c.batched = c.committing
		}
	}()
	if len(batch) == 0 || ctx.Err() != nil {
		return
	}
	defer t.f.activity.Touch()
	fresh, err := t.toRun(ctx, batch, t.k.scan.goesOnNew())
	if errors.Is(err, errGuessed) {
		fresh, err = t.toRun(ctx, batch, false)
	}
	if err == nil {
		fresh, err = t.allot(ctx, fresh)
	}
	if t.refused(ctx, &t.w.ledger, err) {
		return
	}
	t.f.activity.Touch()
	b, staged := t.stage(ctx, fresh)
	if t.settle(ctx) && len(staged) > 0 {
		t.commit(ctx, b, staged)
	} else {
		_ = b.Close() // what was written is synced
	}
}

// toRun returns the files that are to be run: those that the ledger does not know, or is guessed not to know, and that
// nothing holds.
func (t *turn) toRun(ctx context.Context, batch []*candidate, guess bool) (fresh []*candidate, err error) {
	t.f.activity.Pause()
	if fresh, err = t.unknown(ctx, batch, guess); err != nil {
		return nil, err
	}
	t.f.activity.Touch()
	return t.judge(ctx, fresh)
}

// cheapCopy is up to which size a copy in vain costs less than a question.
const cheapCopy = 64 << 10

// surelyNew reports that the ledger need not be asked about a few small files that have just come with their names:
// their commit tells in the end whether it knows them.
func surelyNew(batch []*candidate) bool {
	return len(batch) <= jet.FewFiles && small(batch) && !slices.ContainsFunc(batch, func(c *candidate) bool {
		return c.action != settle.Confirm
	})
}

// small reports whether copies of all the files in vain cost less than a question.
func small(batch []*candidate) bool {
	return !slices.ContainsFunc(batch, func(c *candidate) bool { return c.stat.Size > cheapCopy })
}

// errGuessed says that the ledger has to be asked after all: a file that it knows is not held once more.
var errGuessed = errors.New("the ledger was not asked")

// unknown returns the files that the ledger does not know, whoever entered them; those it knows are done. Where files
// that came before were all new, small ones are guessed to be so, too: the question would wait for the commit of the
// batch before, and their own commit tells.
func (t *turn) unknown(ctx context.Context, batch []*candidate, guess bool) (fresh []*candidate, err error) {
	t.guessed = false
	files := make([]events.SeenFile, len(batch))
	for i, c := range batch {
		if c.fingerprint == "" {
			path := t.f.subPath(c.name)
			c.fingerprint = stage.Fingerprint(t.f.jobID, path, t.k.generations[path], c.stat)
		}
		files[i] = t.seenFile(c)
	}
	if surelyNew(batch) {
		return batch, nil
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
	if guess && len(asked) == len(batch) && small(batch) {
		t.guessed = true
		return batch, nil
	}
	answers, err := t.w.cfg.Bus.SeenFiles(ctx, questions)
	if err != nil {
		return nil, err
	}
	for n, i := range asked {
		seen[i] = answers[n]
	}
	t.k.scan.met(!slices.Contains(seen, true))
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
func (t *turn) stage(ctx context.Context, fresh []*candidate) (b *stage.Batch, staged []*candidate) {
	o := stage.Options{JobID: t.f.jobID, Sync: t.w.cfg.SyncStage, Links: t.k.links, Reserve: t.w.cfg.Reserve}
	var caughtUp func() bool // nil: no file needs to know
	ask := func() { caughtUp = t.w.notifier.Ask(t.k.watchedPath) }
	if len(fresh) == 1 && fresh[0].action == settle.Confirm {
		o.Leased = ask // the answer comes while the file is copied and synced
	}
	b = stage.NewBatch(t.at, o)
	var trouble error // of the drive
	row := 0          // files that could not be staged, one after the other
	for _, c := range fresh {
		if trouble != nil || ctx.Err() != nil || t.f.stopped.Load() {
			break
		}
		switch err := t.stageOne(ctx, b, c); {
		case err == nil:
			row = 0
			staged = append(staged, c)
		case !t.putOff(c, err) && !t.unstageable(c, err, &row):
			trouble = err
		}
	}
	t.f.activity.Touch()
	if caughtUp == nil && slices.ContainsFunc(staged, func(c *candidate) bool { return c.action == settle.Confirm }) {
		ask()
	}
	t.f.sayNoLink(b.NoLink())
	if err := b.Sync(); err != nil {
		for _, c := range staged {
			c.stage = stage.Staged{}
		}
		staged, trouble = nil, errors.Join(trouble, err)
	}
	staged = t.confirm(b, staged, caughtUp)
	if trouble != nil || len(staged) > 0 {
		t.drive(ctx, trouble)
	}
	return b, staged
}

// reuseFor is how long a stage is used again whose file could not be committed. The janitor removes it after an hour.
const reuseFor = 30 * time.Minute

// stageOne builds the stage of one file. One that was built before its commit failed is used again: the commit may have
// been stored after all.
func (t *turn) stageOne(ctx context.Context, b *stage.Batch, c *candidate) (err error) {
	if t.f.initial(c) || c.stage.Fingerprint == c.fingerprint && !c.stage.Linked && time.Since(c.stage.At) < reuseFor {
		return nil
	}
	c.stage, err = b.Add(ctx, stage.File{Name: c.name, Fingerprint: c.fingerprint, Stat: c.stat, Lease: c.action != settle.Ready})
	return err
}

// confirm postpones those files whose name is new, but whose content may have come after it: something was written
// under the name before the lease was had, or that cannot be known. They wait for their quiet period.
func (t *turn) confirm(b *stage.Batch, staged []*candidate, caughtUp func() bool) []*candidate {
	if caughtUp == nil {
		return staged
	}
	all := caughtUp()
	return slices.DeleteFunc(staged, func(c *candidate) bool {
		if c.action != settle.Confirm || all && t.f.hints.Unwritten(c.name) {
			return false
		}
		c.file.Written()
		b.Drop(c.stage)
		c.stage = stage.Staged{}
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

// commitment is a batch of staged files whose commit is under way.
type commitment struct {
	batch    *stage.Batch
	files    []*candidate // those with a trigger first
	triggers []events.Trigger
	won      []bool
	err      error
	done     chan struct{}
}

// commit enters the staged files into the ledger and queues their triggers, while the next batch is staged.
func (t *turn) commit(ctx context.Context, b *stage.Batch, staged []*candidate) {
	c := &commitment{batch: b, done: make(chan struct{})}
	t.committing = c
	var marked []*candidate
	var initial []events.SeenFile
	for _, s := range staged {
		s.committing = true
		if t.f.initial(s) {
			marked, initial = append(marked, s), append(initial, t.seenFile(s))
		} else {
			c.files, c.triggers = append(c.files, s), append(c.triggers, t.trigger(s))
		}
	}
	c.files = append(c.files, marked...)
	bus := t.w.cfg.Bus
	t.w.pool.running.Go(func() {
		if len(initial) > 0 {
			c.err = bus.IgnoreFiles(ctx, initial)
		}
		claimed := false
		if c.err == nil && len(c.triggers) > 0 {
			faultpoint.Hit(faultpoint.FileStaged)
			c.won, c.err = bus.ClaimFiles(ctx, c.triggers)
			claimed = c.err == nil
		}
		close(c.done)
		if claimed {
			bus.EnterFiles(ctx, c.triggers) // nobody waits for it
		}
	})
}

// settle waits for the commit that is under way, if any, takes over its outcome, and reports whether it succeeded. A
// file that another watcher has queued meanwhile is as good: it has a stage of its own.
func (t *turn) settle(ctx context.Context) (ok bool) {
	c := t.committing
	if c == nil {
		return true
	}
	t.committing = nil
	t.f.activity.Pause()
	<-c.done
	t.f.activity.Touch()
	defer c.batch.Close() //nolint:errcheck // what was written is synced
	for _, s := range c.files {
		s.committing, s.batched = false, false
	}
	if t.refused(ctx, &t.w.intake, c.err) {
		return false
	}
	for _, s := range c.files {
		t.k.keep(s)
		t.w.letGo(ctx, t.f.jobID, t.f.subPath(s.name))
	}
	log := t.f.log()
	for i, tr := range c.triggers {
		if c.won[i] {
			t.w.meter.files.Inc()
		} else {
			c.batch.Drop(c.files[i].stage)
			t.k.scan.met(false)
		}
		log.Debug("file taken", "trigger_id", tr.ID, "file", tr.File.Path, "size", tr.File.Size, "won", c.won[i])
	}
	return true
}

func (t *turn) trigger(c *candidate) events.Trigger {
	file := events.NewFile(t.f.subPath(c.name))
	file.Fingerprint, file.Size, file.ModifiedNS = c.fingerprint, c.stat.Size, c.stat.Modified
	file.Linked, file.Chain, file.InputDir = c.stage.Linked, c.chain, c.stage.InputDir
	file.FirstSeen, file.Complete, file.Came, file.QuietMS = c.seen.UTC(), c.complete.UTC(), c.came(), t.k.rule.For(&c.file).Milliseconds()
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
