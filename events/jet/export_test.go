package jet

import (
	"context"
	"time"
)

// DeleteConsumer takes a queue's consumer away, as an administrator may.
func (b *Bus) DeleteConsumer(ctx context.Context, q Queue) error {
	return b.js.DeleteConsumer(ctx, q.stream, q.Name)
}

// WriteProbe writes a probe, as [Bus] does when a stream refuses a message.
func (b *Bus) WriteProbe(stream string) error { return b.writeProbe(stream) }

// MakeJobsOlder makes JOBS as it was before there were keys.
func (b *Bus) MakeJobsOlder(ctx context.Context) error {
	if err := b.js.DeleteStream(ctx, streamJobs); err != nil {
		return err
	}
	for _, cfg := range (Topology{Store: 1 << 30, Replicas: 1}).streams() {
		if cfg.Name != streamJobs {
			continue
		}
		cfg.Subjects, cfg.AllowAtomicPublish = []string{allJobsFilter, probeSubject(streamJobs)}, false
		if _, err := b.js.CreateStream(ctx, cfg); err != nil {
			return err
		}
	}
	return nil
}

// DeleteStream takes a stream away, as an administrator may.
func (b *Bus) DeleteStream(ctx context.Context, stream string) error {
	return b.js.DeleteStream(ctx, stream)
}

// Prices is prices.
var Prices = prices

// Stored is the result as its stream holds it.
func (r EncodedResult) Stored() Stored {
	return Stored{Data: r.m.Data, header: r.m.wire().Header}
}

// Names on the wire, for the tests of this package.
const (
	AllFiles          = allFilesFilter
	AllRunKeys        = allRunKeysFilter
	AllRunQueue       = allRunQueueFilter
	AllSeen           = allSeenFilter
	StreamDeadLetters = streamDeadLetters
	StreamFiles       = streamFiles
	StreamJobs        = streamJobs
	StreamResults     = streamResults
	StreamRunEvents   = streamRunEvents
	StreamRuns        = streamRuns
	StreamSlots       = streamSlots
	StreamTriggers    = streamTriggers
)

var (
	DeadSubject     = deadSubject
	DoneOf          = doneFilter
	FileSubject     = fileSubject
	FilesOf         = filesFilter
	JobSubject      = jobSubject
	ParseSubject    = parseSubject
	ProbeSubject    = probeSubject
	ResultSubject   = resultSubject
	RunQueueOf      = runQueueFilter
	RunQueueSubject = runQueueSubject
	RunsOf          = runsFilter
	SeenSubject     = seenSubject
	SlotSubject     = slotSubject
	TriggerSubject  = triggerSubject
	TriggersOf      = triggersFilter
)

// RawQueue is a queue of any stream and filter.
func RawQueue(stream, filter string, q Queue) Queue {
	q.stream, q.filter, q.keeps = stream, filter, stream == streamFiles
	return q
}

// What the tests of this package look at below the roles.
type (
	Message = message
	Follow  = follow
)

func (b *Bus) Commit(ctx context.Context, stream string, msgs ...Message) (uint64, error) {
	return b.commit(ctx, stream, msgs...)
}

// Tell has a leader answered so just now.
func (l *Leaders) Tell(stream, trouble string) {
	of := l.of(stream)
	of.asked, of.at, of.trouble = time.Now(), time.Now(), trouble
}

func (b *Bus) Subjects(ctx context.Context, stream, filter string) (map[string]uint64, error) {
	return b.subjects(ctx, stream, filter)
}

func (b *Bus) Purge(ctx context.Context, stream, filter string, keep int) error {
	return b.purge(ctx, stream, purgeRequest{Filter: filter, Keep: keep})
}

func (b *Bus) Last(ctx context.Context, stream, subject string) (Stored, bool, error) {
	return b.last(ctx, stream, subject)
}

func (b *Bus) Since(ctx context.Context, stream, subject string, t time.Time, f func(Stored) bool) error {
	return b.since(ctx, stream, subject, t, f)
}

func (b *Bus) GetMany(ctx context.Context, stream string, seqs []uint64, f func(i int, m Stored)) error {
	return b.getMany(ctx, many{stream: stream, seqs: seqs}, func(i int, m Stored) bool { f(i, m); return true })
}

func (b *Bus) DropEach(ctx context.Context, stream string, seqs []uint64) error {
	return b.dropEach(ctx, stream, seqs)
}

func (b *Bus) Newest(ctx context.Context, stream string, subjects []string, before uint64, f func(Stored) bool) error {
	return b.newest(ctx, stream, subjects, before, f)
}

func (b *Bus) NewEnds(stream string) *Ends { return b.newEnds(stream) }

func (b *Bus) Follow(ctx context.Context, w Follow, f func(Stored)) error { return b.follow(ctx, w, f) }

// StallAfter has the watchdog of queues look so soon.
func (b *Bus) StallAfter(d time.Duration) { b.stallAfter = d }
