package jet

import (
	"context"

	"spool.internal/events"
)

// Feed is a stream whose messages people are shown as they come. Positions in it are
// sequences.
type Feed int

// The feeds.
const (
	FeedJobs    Feed = iota // changes of jobs
	FeedResults             // results of calls
	FeedRuns                // phases of runs
	FeedSlots               // verdicts on slots
	FeedDead                // dead letters
	FeedStates              // what watchers, dispatchers and all roles are doing now
)

func (f Feed) stream() (name, filter string) {
	switch f {
	case FeedJobs:
		return streamJobs, allJobsFilter
	case FeedResults:
		return streamResults, allResultsFilter
	case FeedSlots:
		return streamSlots, allSlotsFilter
	case FeedDead:
		return streamDeadLetters, allDeadFilter
	case FeedStates:
		return streamState, allStatesFilter
	default:
		return streamRunEvents, allRunsFilter
	}
}

// FeedEntry is one message of a feed. Its body is read when it is asked for.
type FeedEntry struct{ Stored }

// FeedLast asks the leader for the position of the newest message; 0 says that there is none.
func (b *Bus) FeedLast(ctx context.Context, f Feed) (uint64, error) {
	stream, filter := f.stream()
	m, _, err := b.last(ctx, stream, filter)
	return m.Sequence, err
}

// FeedAfter calls each with what stands behind a position, as [View.Follow] does.
func (b *Bus) FeedAfter(ctx context.Context, f Feed, after uint64, each func(FeedEntry)) error {
	stream, filter := f.stream()
	return b.follow(ctx, follow{Stream: stream, Filters: []string{filter}, From: Beginning, After: after}, func(m Stored) { each(FeedEntry{m}) })
}

// JSON is the body as it is stored.
func (m FeedEntry) JSON() ([]byte, error) { return m.Data, known(m.Stored) }

// JobEvent reads an entry of [FeedJobs].
func (m FeedEntry) JobEvent() (events.JobEvent, error) { return decode[events.JobEvent](m.Stored) }

// RunHead reads of an entry of [FeedRuns] whose it is, and no more.
func (m FeedEntry) RunHead() (jobID, owner string, err error) {
	head, err := decode[struct {
		JobID string `json:"job_id"`
		Owner string `json:"owner"`
	}](m.Stored)
	return head.JobID, head.Owner, err
}

// StateKind says what an entry of [FeedStates] is about.
type StateKind string

// The kinds of states that people are shown.
const (
	StateWatch StateKind = partWatch // an [events.WatchState]
	StateFiles StateKind = partFiles // an [events.WaitingFiles]
	StateRetry StateKind = partRetry // an [events.RetryState]
	StateRole  StateKind = "role"    // an [events.RoleState]
)

// StateKind says what an entry of [FeedStates] is about.
func (m FeedEntry) StateKind() StateKind {
	sub, _ := parseSubject(m.Subject) // of an unknown form: of no kind
	return StateKind(sub.Kind)
}

// Role reads an entry of [FeedStates] that is about a role.
func (m FeedEntry) Role() (events.RoleState, error) { return decode[events.RoleState](m.Stored) }

// Dead reads an entry of [FeedDead].
func (m FeedEntry) Dead() (events.DeadLetter, error) {
	return Entry[events.DeadLetter](m).Value()
}
