package jet

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"spool.internal/events"
)

// What services say that they are doing now is kept for a while, see [events.StateKept], and only
// the newest of it. A state that cannot be read is of another version, and goes likewise.

// ttlHeader says for how long the server keeps a message, however long its stream does.
const ttlHeader = "Nats-TTL"

func kept(forTime time.Duration, subject string, state any) message {
	return message{Subject: subject, Data: body(state), Header: map[string]string{ttlHeader: forTime.String()}}
}

// briefly is a state that goes soon after whoever said it.
func briefly(subject string, state any) message { return kept(events.StateKept, subject, state) }

// own is a state that stays for as long as this process does, when it has the only store.
func (b *Bus) own(subject string, state any) message {
	if b.alone {
		return kept(events.OwnKept, subject, state)
	}
	return briefly(subject, state)
}

// RenewStates is how often a service says again what it is doing, at whole multiples of it.
func (b *Bus) RenewStates() time.Duration {
	if b.alone {
		return events.OwnRenew
	}
	return events.StateRenew
}

// IsOwn reports whether a state is of a process that had the only store when it said so.
func (m Stored) IsOwn() bool { return m.header.Get(ttlHeader) == events.OwnKept.String() }

// Parts of a subject of a state: who says it.
const (
	partWatch = "watch"
	partFiles = "files"
	partRetry = "retry"
)

// WatchState is what watchers say of the folder of a job, each where it is: [events.MergeWatch] says
// what that means together.
func (b *Bus) WatchState(jobID string) View[events.WatchState] {
	return View[events.WatchState]{bus: b, stream: streamState, of: watchFilters(jobID)}
}

// watchFilters filter what watchers without a place and those of places say of a folder.
func watchFilters(jobID string) []string {
	return []string{stateSubject(partWatch, jobID), stateSubject(partWatch, jobID) + ".*"}
}

// Standing is what watchers and dispatchers say of all jobs.
func (b *Bus) Standing() View[json.RawMessage] {
	return View[json.RawMessage]{bus: b, stream: streamState, of: []string{stateSubject(partWatch, ">"), stateSubject(partRetry, "*")}}
}

// WatchState reads what a watcher said of a folder; ok is false when it says something else.
func (m Stored) WatchState() (s events.WatchState, ok bool) {
	return stateOf[events.WatchState](m, partWatch)
}

// RetryState reads what a dispatcher said; ok is false when it says something else.
func (m Stored) RetryState() (s events.RetryState, ok bool) {
	return stateOf[events.RetryState](m, partRetry)
}

func stateOf[T any](m Stored, part string) (s T, ok bool) {
	if m.parsed().Kind != part {
		return s, false
	}
	s, err := decode[T](m)
	return s, err == nil
}

// statesAtOnce is how many jobs are asked about at a time: an answer has at most 1,024 messages.
const statesAtOnce = 100

// StatesOf reads what is said of some jobs, by their ids.
func (b *Bus) StatesOf(ctx context.Context, jobIDs []string) (map[string]JobStates, error) {
	states := map[string]JobStates{}
	for some := range slices.Chunk(jobIDs, statesAtOnce) {
		if err := b.statesInto(ctx, states, some); err != nil {
			return states, err
		}
	}
	return states, nil
}

func (b *Bus) statesInto(ctx context.Context, states map[string]JobStates, jobIDs []string) error {
	var subjects []string
	for _, id := range jobIDs {
		subjects = append(append(subjects, watchFilters(id)...), stateSubject(partRetry, id))
	}
	said := map[string][]events.SaidWatch{}
	err := b.lastOf(ctx, streamState, subjects, func(m Stored) {
		s := states[m.JobID()]
		if w, ok := m.WatchState(); ok {
			said[m.JobID()] = append(said[m.JobID()], events.SaidWatch{WatchState: w, At: m.Time})
		}
		if r, ok := m.RetryState(); ok {
			s.Retry = &r
		}
		states[m.JobID()] = s
	})
	for id, all := range said {
		s := states[id]
		s.Watch = events.MergeWatch(all)
		states[id] = s
	}
	return err
}

// WaitingFiles is which files of a job watchers leave alone for now, each where it is.
func (b *Bus) WaitingFiles(jobID string) View[events.WaitingFiles] {
	return View[events.WaitingFiles]{bus: b, stream: streamState, of: filesFilters(jobID)}
}

func filesFilters(jobID string) []string {
	return []string{stateSubject(partFiles, jobID), stateSubject(partFiles, jobID) + ".*"}
}

// RetryState is which triggers of a job a dispatcher is to call again.
func (b *Bus) RetryState(jobID string) View[events.RetryState] {
	return view[events.RetryState](b, streamState, stateSubject(partRetry, jobID))
}

// Runners is what the built-in runners say of themselves.
func (b *Bus) Runners() View[events.RunnerState] {
	return view[events.RunnerState](b, streamState, allRunnersFilter)
}

// JobStates is what is said of a job now; nil where nobody says it.
type JobStates struct {
	Watch *events.WatchState
	Retry *events.RetryState
}

// JobStates reads what watchers and dispatchers say of a job.
func (b *Bus) JobStates(ctx context.Context, jobID string) (JobStates, error) {
	states, err := b.StatesOf(ctx, []string{jobID})
	return states[jobID], err
}

// FolderStates reads what watchers say of the folder of a job and of the files in it;
// at is when they said the latter.
func (b *Bus) FolderStates(ctx context.Context, jobID string) (watch *events.WatchState, files events.WaitingFiles, at time.Time, err error) {
	var said []events.SaidWatch
	var lists []events.SaidFiles
	err = b.lastOf(ctx, streamState, append(watchFilters(jobID), filesFilters(jobID)...), func(m Stored) {
		if w, ok := m.WatchState(); ok {
			said = append(said, events.SaidWatch{WatchState: w, At: m.Time})
		} else if f, err := decode[events.WaitingFiles](m); err == nil && m.parsed().Kind == partFiles {
			lists = append(lists, events.SaidFiles{WaitingFiles: f, At: m.Time})
		}
	})
	files, at = events.MergeWaiting(lists)
	return events.MergeWatch(said), files, at, err
}

// PutFolderStates stores what a watcher says of folders, and of the files in them.
func (b *Bus) PutFolderStates(ctx context.Context, folders []events.WatchState, files []events.WaitingFiles) error {
	at := func(part, jobID, place string) string {
		if place == "" {
			return stateSubject(part, jobID)
		}
		return stateSubject(part, jobID) + "." + place
	}
	msgs := make([]message, 0, len(folders)+len(files))
	for _, s := range folders {
		msgs = append(msgs, b.own(at(partWatch, s.JobID, s.Place), s))
	}
	for _, s := range files {
		msgs = append(msgs, briefly(at(partFiles, s.JobID, s.Place), s))
	}
	_, err := b.commit(ctx, streamState, msgs...)
	return err
}

// PutRetryState stores which triggers of a job a dispatcher is to call again.
func (b *Bus) PutRetryState(ctx context.Context, s events.RetryState) error {
	_, err := b.commit(ctx, streamState, briefly(stateSubject(partRetry, s.JobID), s))
	return err
}

// PutRunner stores what a runner says of itself. The id is its own from start to start.
func (b *Bus) PutRunner(ctx context.Context, id string, s events.RunnerState) error {
	_, err := b.commit(ctx, streamState, b.own(runnerSubject(id), s))
	return err
}

// ForgetRunners takes out what runners with the only store said under another id: they have lost it to this
// process, if the server is in it.
func (b *Bus) ForgetRunners(ctx context.Context, id string) error {
	if !b.within {
		return nil
	}
	gone := View[events.RunnerState]{bus: b, stream: streamState}
	err := b.Runners().LastEach(ctx, func(m Entry[events.RunnerState]) {
		if m.IsOwn() && m.Subject != runnerSubject(id) {
			gone.of = append(gone.of, m.Subject)
		}
	})
	if err != nil {
		return err
	}
	return gone.Clear(ctx)
}
