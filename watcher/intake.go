package watcher

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/watcher/settle"
	"spool.internal/watcher/stage"
)

// maxBatch is how many files are asked about, staged and committed at a time:
// two messages each fill one atomic batch.
const maxBatch = jet.MaxBatch / 2

// flush brings the batch into the ledger: ask, stage, commit. Whatever cannot
// be done now stays pending.
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
	t.f.pulse.Pause()
	fresh, err := t.ask(ctx, batch)
	if t.refused(ctx, &t.ledger, err) {
		return
	}
	t.f.pulse.Touch()
	defer t.f.pulse.Touch()
	if fresh, err = t.judge(ctx, fresh); err == nil {
		fresh, err = t.allot(ctx, fresh)
	}
	if t.refused(ctx, &t.ledger, err) {
		return
	}
	t.f.pulse.Touch()
	staged := t.stage(ctx, fresh)
	t.f.pulse.Pause()
	if len(staged) > 0 {
		t.refused(ctx, &t.intake, t.commit(ctx, staged))
	}
}

// ask leaves out what the ledger knows, whoever entered it.
func (t *turn) ask(ctx context.Context, batch []*candidate) ([]*candidate, error) {
	files := make([]jet.SeenFile, len(batch))
	for i, c := range batch {
		if c.fingerprint == "" {
			c.fingerprint = stage.Fingerprint(t.f.jobID, t.f.subPath(c.name), t.f.generations[t.f.subPath(c.name)], c.stat)
		}
		files[i] = jet.SeenFile{JobID: t.f.jobID, Path: t.f.subPath(c.name), Fingerprint: c.fingerprint}
	}
	seen := t.consult(ctx, files)
	var unknown []int
	var questions []jet.SeenFile
	for i, f := range files {
		if !seen[i] {
			unknown, questions = append(unknown, i), append(questions, f)
		}
	}
	answers, err := t.cfg.Bus.SeenFiles(ctx, questions)
	if err != nil {
		return nil, err
	}
	for n, i := range unknown {
		seen[i] = answers[n]
	}
	var fresh []*candidate
	for i, c := range batch {
		if seen[i] {
			t.f.keep(c)
		} else {
			fresh = append(fresh, c)
		}
	}
	return fresh, nil
}

// stage builds the stages of those files that nobody writes to, and puts the
// others off. Files that are not to be run need no stage. When the drive takes
// no more, it goes on with what it has.
func (t *turn) stage(ctx context.Context, fresh []*candidate) (staged []*candidate) {
	st := stage.NewBatch(t.at, t.f.jobID, t.cfg.SyncStage, t.f.linking)
	var trouble error
	row := 0 // files that could not be staged, one after the other
	for _, c := range fresh {
		if ctx.Err() != nil || t.f.stopped.Load() {
			break
		}
		var err error
		if !t.f.initial(c) {
			err = t.stageOne(ctx, st, c)
		}
		if err == nil {
			staged, row = append(staged, c), 0
		} else if !t.putOff(c, err) && !t.unstageable(c, err, &row) {
			trouble = err
			break
		}
	}
	t.f.pulse.Touch()
	staged = slices.DeleteFunc(t.confirm(st, staged), func(c *candidate) bool {
		if trouble != nil || t.f.initial(c) {
			return trouble != nil
		}
		err := t.name(ctx, st, c)
		if err == nil {
			row = 0
		} else if !t.putOff(c, err) && !t.unstageable(c, err, &row) {
			trouble = err
		}
		return err != nil
	})
	if err := st.Sync(); err != nil {
		staged, trouble = nil, err
	}
	if trouble = errors.Join(trouble, st.Close()); trouble != nil || len(staged) > 0 {
		t.unstaged(ctx, trouble)
	}
	return staged
}

// confirm lets those files wait for their quiet time whose name is new, but
// whose content may have come after it: something was written under the name
// before the lease was had, or that cannot be known.
func (t *turn) confirm(st *stage.Batch, staged []*candidate) []*candidate {
	asked, told := false, false
	return slices.DeleteFunc(staged, func(c *candidate) bool {
		if c.action != settle.Confirm {
			return false
		}
		if !asked {
			asked, told = true, t.notifier.CaughtUp(t.f.listening)
		}
		if told && t.f.hints.Unwritten(c.name) {
			return false
		}
		c.file.Written()
		st.Drop(c.fingerprint)
		t.f.wait(c, time.Now())
		return true
	})
}

// putOff lets a file wait that cannot be staged now. It answers false when that
// is not the file's fault.
func (t *turn) putOff(c *candidate, err error) bool {
	now := time.Now()
	switch {
	case errors.Is(err, stage.ErrWriter):
		c.waits(events.FileOpen, "a program has it open for writing: it is taken when that is closed", now)
		t.f.wait(c, now.Add(c.file.Busy(t.f.rule, now)))
	case errors.Is(err, stage.ErrChanged):
		c.waits("", "", now)
		t.f.wait(c, now.Add(c.file.Busy(t.f.rule, now)))
	case errors.Is(err, stage.ErrNoLease):
		_, wait := c.file.NoLease(t.f.rule, now)
		t.f.sayNoLease()
		t.f.wait(c, now.Add(wait))
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return false // this process is short of descriptors
	case errors.Is(err, stage.ErrRead) && errors.Is(err, fs.ErrNotExist):
		t.f.forget(c.name)
	case errors.Is(err, stage.ErrRead):
		t.unreadable(c, err, now)
	default:
		return false
	}
	return true
}

func (t *turn) stageOne(ctx context.Context, st *stage.Batch, c *candidate) error {
	t.f.pulse.Touch()
	if err := st.Open(); err != nil {
		return err
	}
	if err := t.cfg.Reserve.Short(st.Job.Stat(".")); err != nil {
		return err
	}
	src, err := t.at.OpenFile(c.name, c.stat, c.action != settle.Ready)
	if err != nil {
		return err
	}
	return errors.Join(st.Add(ctx, c.fingerprint, c.name, src), src.Close())
}

// name gives a staged file its name. What cannot be linked is copied.
func (t *turn) name(ctx context.Context, st *stage.Batch, c *candidate) (err error) {
	t.f.pulse.Touch()
	c.linked, err = st.Place(c.fingerprint)
	if !errors.Is(err, stage.ErrNoLink) {
		return err
	}
	t.f.sayNoLink(err)
	st.Links = nil
	if err = t.stageOne(ctx, st, c); err == nil {
		c.linked, err = st.Place(c.fingerprint)
	}
	return err
}

// initial reports that the file lay there before the job was made, and is not to be run.
func (f *folder) initial(c *candidate) bool {
	return max(c.stat.Changed, c.stat.Birth) < f.task.before
}

// commit triggers the staged files. One that somebody else has triggered
// meanwhile is as good: the stage is theirs.
func (t *turn) commit(ctx context.Context, staged []*candidate) error {
	var triggers []events.Trigger
	var initial []jet.SeenFile
	for _, c := range staged {
		if t.f.initial(c) {
			initial = append(initial, jet.SeenFile{JobID: t.f.jobID, Path: t.f.subPath(c.name), Fingerprint: c.fingerprint})
		} else {
			triggers = append(triggers, t.trigger(c))
		}
	}
	if len(initial) > 0 {
		if err := t.cfg.Bus.IgnoreFiles(ctx, initial); err != nil {
			return err
		}
	}
	faultpoint.Hit(faultpoint.FileStaged)
	won, err := t.cfg.Bus.CommitFiles(ctx, triggers)
	if err != nil {
		return err
	}
	for _, c := range staged {
		t.f.keep(c)
		t.letGo(ctx, t.f.jobID, t.f.subPath(c.name))
	}
	log := t.f.log()
	for i, tr := range triggers {
		if won[i] {
			t.meter.files.Inc()
		}
		log.Debug("file taken", "trigger_id", tr.ID, "file", tr.File.Path, "size", tr.File.Size, "won", won[i])
	}
	return nil
}

func (t *turn) trigger(c *candidate) events.Trigger {
	file := events.NewFile(t.f.subPath(c.name))
	file.Fingerprint, file.Size, file.ModifiedNS = c.fingerprint, c.stat.Size, c.stat.Modified
	file.Linked, file.Chain = c.linked, c.chain
	file.InputDir = stage.InputDir(t.cfg.Drives.Base(t.f.task.path), t.f.jobID, c.fingerprint)
	return events.Trigger{
		ID: events.FileTriggerID(t.f.jobID, c.fingerprint), JobID: t.f.jobID, Kind: events.KindFile,
		JobSeq: t.f.now.seq.Load(), At: time.Now().UTC(), File: file,
	}
}

// refused takes in how the ledger or the queue answered, and reports whether it
// took nothing.
func (t *turn) refused(ctx context.Context, p *pressure, err error) bool {
	switch {
	case ctx.Err() != nil:
	case err == nil && p.passed():
		t.cfg.Log.Info("files are queued again")
	case err != nil && p.failed(err, time.Now()):
		t.cfg.Log.Warn("files cannot be queued: they wait", "error", err.Error())
	}
	return err != nil
}

// unstaged takes in how the drive answered.
func (t *turn) unstaged(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil && t.f.staging.passed():
		t.f.log().Info("files are staged again")
	case err != nil && t.f.staging.failed(err, time.Now()):
		t.f.log().Warn("files cannot be staged: they wait", "error", err.Error())
	}
}

func (f *folder) sayNoLease() {
	if !f.noLease {
		f.noLease = true
		f.log().Warn("no read leases on files here: each must stay unchanged for longer; run as the owner of the files, or with CAP_LEASE", "quiet", f.rule.Slow.String())
	}
}

func (f *folder) sayNoLink(err error) {
	if !f.noLink {
		f.noLink = true
		f.log().Warn("files here cannot be linked into their stages: they are copied", "error", err.Error())
	}
}

// note says in the state of the folder what the log has said once.
func (f *folder) note() string {
	var notes []string
	if f.noLease {
		notes = append(notes, "no read leases on files here: each must stay unchanged for "+f.rule.Slow.String())
	}
	if f.noLink {
		notes = append(notes, "files here cannot be linked: they are copied")
	}
	return strings.Join(notes, "; ")
}
