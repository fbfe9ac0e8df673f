package watcher

import (
	"context"
	"strings"

	"spool.internal/events"
	"spool.internal/events/location"
)

// rings follows the output folders of jobs into the folders of others, as they are now. It reads each job once.
type rings struct {
	w    *Watcher
	jobs map[string]*events.Job // nil: there is none any more
}

func (r *rings) job(ctx context.Context, id string) (*events.Job, error) {
	if j, ok := r.jobs[id]; ok {
		return j, nil
	}
	rev, err := r.w.cfg.Bus.Job(ctx, id)
	switch {
	case events.CodeOf(err) == events.NotFound:
		r.jobs[id] = nil
	case err != nil:
		return nil, err
	default:
		r.jobs[id] = &rev.Event.Job
	}
	return r.jobs[id], nil
}

// closed reports whether the runs of a chain still lead back to a job that is in it: each job's output folder into the
// next one's folder.
func (r *rings) closed(ctx context.Context, chain []string, id string) (bool, error) {
	for len(chain) > 0 && chain[0] != id {
		chain = chain[1:]
	}
	for i, from := range chain {
		to := id
		if i+1 < len(chain) {
			to = chain[i+1]
		}
		if feeds, err := r.feeds(ctx, from, to); err != nil || !feeds {
			return false, err
		}
	}
	return true, nil
}

// feeds reports whether the output folder of one job lies in the folder of another, or above it. If that cannot be known,
// it counts as such.
func (r *rings) feeds(ctx context.Context, from, to string) (bool, error) {
	if from == events.NoJob {
		return true, nil
	}
	a, err := r.job(ctx, from)
	if err != nil || a == nil {
		return false, err
	}
	b, err := r.job(ctx, to)
	if err != nil || b == nil {
		return false, err
	}
	writes, err := events.ParseParameters(a.Parameters)
	if err != nil {
		return true, nil //nolint:nilerr // stored by another version
	}
	reads, err := events.ParseParameters(b.Parameters)
	if err != nil {
		return true, nil //nolint:nilerr // stored by another version
	}
	if !reads.Spooled {
		return false, nil
	}
	out, err1 := location.Of(r.w.cfg.Drives.HostPath(writes.OutputDir()))
	in, err2 := location.Of(r.w.cfg.Drives.HostPath(reads.InputDir))
	return err1 != nil || err2 != nil || out.Within(in) || in.Within(out), nil
}

// names returns the names of the jobs of a ring, as the owner of the last may see them.
func (r *rings) names(ctx context.Context, h events.Held) (string, error) {
	last, err := r.job(ctx, h.JobID)
	if err != nil || last == nil {
		return "", err
	}
	chain := h.Chain
	for i, id := range chain {
		if id == h.JobID && !h.Deep {
			chain = chain[i:]
			break
		}
	}
	var names []string
	for _, id := range chain {
		j, err := r.job(ctx, id)
		switch {
		case err != nil:
			return "", err
		case id == events.NoJob:
			names = append(names, "(a run that no job asked for)")
		case j == nil:
			names = append(names, "(a deleted job)")
		default:
			names = append(names, j.NameFor(last.Username))
		}
	}
	return strings.Join(append(names, last.Name), " → "), nil
}
