package v2

import (
	"context"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/why"
)

// file explains where a file is.
func (x *explained) file(ctx context.Context, path string) (why.Answer, error) {
	versions, err := x.versions(ctx, path)
	if err != nil {
		return why.Answer{}, err
	}
	now, err := x.stand(ctx, path, versions)
	if err != nil {
		return why.Answer{}, err
	}
	f := x.onPath(path, why.FileNever)
	switch gone := now == nil || now.State == events.FileAbsent || now.State == events.FileNoFolder; {
	case gone && len(versions) > 0: // it is told of as it was last
		f = versions[0].facts
	case now != nil:
		f = now.Facts
	}
	return x.at.File(f), nil
}

// fileOfTrigger explains what became of the file of a trigger.
func (x *explained) fileOfTrigger(ctx context.Context, id string) (why.Answer, error) {
	path, err := x.pathOf(ctx, id)
	if err != nil {
		return why.Answer{}, err
	}
	versions, err := x.versions(ctx, path)
	for _, v := range versions {
		if v.TriggerID == id {
			return x.at.Execution(v.facts), nil
		}
	}
	if err == nil {
		err = noSuchTrigger()
	}
	return why.Answer{}, err
}

// pathOf finds the path of the file of a trigger: in its queue, or in its result.
func (x *explained) pathOf(ctx context.Context, id string) (string, error) {
	fingerprint := strings.TrimPrefix(id, events.FileTriggerID(x.job.ID, ""))
	if !events.IsToken(fingerprint) {
		return "", noSuchTrigger()
	}
	if t, found, err := x.queued(ctx, fingerprint); err != nil || found {
		return t.File.RawPath(), err
	}
	res, found, err := x.newest(ctx, id, time.Time{})
	if err == nil && (!found || res.File == nil) {
		err = noSuchTrigger()
	}
	if err != nil {
		return "", err
	}
	return res.File.RawPath(), nil
}

// queued reads the trigger of a file that waits for its call.
func (x *explained) queued(ctx context.Context, fingerprint string) (t events.Trigger, found bool, err error) {
	err = x.Bus.File(x.job.ID, fingerprint).Each(ctx, func(one events.Trigger) { t, found = one, one.File != nil })
	if t.File == nil {
		t.File = &events.File{}
	}
	return t, found, err
}

// describe adds to versions of a path how they came to be what they are.
func (x *explained) describe(ctx context.Context, path string, versions []FileVersion, results []events.Result) error {
	byTrigger := map[string]events.Result{}
	for _, r := range results {
		byTrigger[r.TriggerID] = r
	}
	for i := range versions {
		v := &versions[i]
		if v.Queued {
			t, found, err := x.queued(ctx, v.Fingerprint)
			if err != nil {
				return err
			}
			if found {
				v.file = t.File
			}
		}
		f := v.stands(x.onPath(path, why.FileCalled))
		if f.State == why.FileQueued {
			if err := x.place(ctx, &f, v.Fingerprint); err != nil {
				return err
			}
		}
		if res, ok := byTrigger[v.TriggerID]; ok {
			ranAs(&f, *v.Result, res)
			v.called(res)
		} else if f.Attempts > 0 && !f.Called.IsZero() {
			v.Calls = []FileCall{{f.Attempts, f.Called, f.LastError, f.Next}}
		}
		reason := x.reason(f)
		v.facts, v.Why, v.Timeline = f, &reason, x.at.Timeline(f)
	}
	return nil
}

// stands says how far a version has come.
func (v *FileVersion) stands(f why.Facts) why.Facts {
	f.TriggerID, f.Queued = v.TriggerID, v.Seen
	if file := v.file; file != nil {
		f.Seen, f.Complete, f.Came, f.Quiet = file.FirstSeen.UTC(), file.Complete.UTC(), file.Came, file.QuietMS
		if v.FirstSeen = f.Seen; file.Came != "" {
			v.Complete = &Complete{f.Complete, f.Came}
		}
	}
	switch {
	case v.MarkedBy != "":
		f.State, f.By, f.At = why.FileMarked, v.MarkedBy, v.Seen
	case v.Ignored:
		f.State = why.FileBefore
	case v.Held != nil:
		f.State, f.Reason, f.Since, f.Ring, f.Ignore = why.FileHeld, v.Held.Reason, v.Held.Since, v.Held.Ring, v.Held.Ignore
	case v.Queued:
		f.State = why.FileQueued
	case v.Verdict == string(events.VerdictSuperseded):
		f.State, f.Verdict, f.Reason = why.FileRewritten, events.VerdictSuperseded, v.Reason
	}
	return f
}

// called tells the calls that a result knows of.
func (v *FileVersion) called(res events.Result) {
	for _, c := range res.Calls {
		v.Calls = append(v.Calls, FileCall{c.Attempt, c.At.UTC(), c.Answer, c.Next.UTC()})
	}
	answer := "HTTP " + res.HTTP.Status
	if res.Status == events.ERROR {
		answer = res.HTTP.Why()
	}
	v.Calls = append(v.Calls, FileCall{Attempt: res.Attempts, At: res.StartedAt.UTC(), Answer: answer})
}

// farthest is how far back in the queue the place of a file is told.
const farthest = 10_000

// place adds where in the queue a file stands, and what keeps it there.
func (x *explained) place(ctx context.Context, f *why.Facts, fingerprint string) error {
	n := 0
	err := x.Bus.Files(x.job.ID).Since(ctx, time.Time{}, func(m jet.Entry[events.Trigger]) bool {
		n++
		if t, err := m.Value(); err == nil && t.File != nil && t.File.Fingerprint == fingerprint {
			f.Position = n
		}
		return f.Position == 0 && n < farthest
	})
	if err == nil {
		err = x.retrying(ctx, f, f.Queued)
	}
	x.inLine(f)
	return err
}

// inLine says what keeps a file at its position.
func (x *explained) inLine(f *why.Facts) {
	if x.job.Status == events.Disabled {
		f.Reason = events.WhyPaused
	}
	if x.plan == nil {
		return
	}
	f.MaxConcurrency = x.plan.Options.MaxConcurrency
	if x.plan.Options.Overlap.Serial() {
		f.MaxConcurrency = 1
	}
	if f.Position > f.MaxConcurrency {
		f.Calling = f.MaxConcurrency
	}
}
