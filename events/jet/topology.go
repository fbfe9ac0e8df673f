package jet

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// share is a stream's part of the store, in GiB on a store of [FullStore].
var share = map[string]int64{
	streamJobs: 1, streamTriggers: 1, streamFiles: 4, streamRuns: 1,
	streamResults: 8, streamRunEvents: 1, streamDeadLetters: 1,
	streamSlots: 1, streamState: 1, streamTokens: 1,
}

// Streams whose folders in the server's store the broker works on by itself.
const (
	JobsStream   = streamJobs
	FilesStream  = streamFiles
	TokensStream = streamTokens // the last that a restore brings
	ClockStream  = streamTriggers

	// JobsPrefix is how the subjects in [JobsStream] begin.
	JobsPrefix = familyJob + "."
)

// FullStore is the store, in bytes, on which every stream has its full share:
// the shares are 80 % of it, so that intake stops before the store is full and
// results can always be stored.
const FullStore = 25 << 30

// VerdictsPerJob is how many verdicts are kept for each job.
const VerdictsPerJob = 1000

// notificationsPerState is how many changes of one state of a job are kept: those
// that wait to be told, and the last.
const notificationsPerState = 32

// Topology says how streams are to be made.
type Topology struct {
	Store         int64 // bytes that JetStream may use
	Replicas      int   // 1 embedded, 3 on a cluster
	ResultsPerJob int64 // results kept for each job
}

// bytes scales a share to the store.
func (t Topology) bytes(stream string) int64 {
	small := max(1<<20, min(t.Store/400, 64<<20)) // a few hundred bytes each
	if stream == streamSubscribers || stream == streamNotifications || stream == streamDrives || stream == streamBulks {
		return small
	}
	part := share[stream] << 30
	if t.Store < FullStore {
		part = part / (1 << 20) * (t.Store >> 10) / (FullStore >> 30)
	}
	if stream == streamResults {
		part -= 4 * small // so that all shares together stay what they are
	}
	return part
}

func (t Topology) streams() []jetstream.StreamConfig {
	queue := func(name string, subjects ...string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Subjects: subjects,
			Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew,
			AllowAtomicPublish: true, AllowDirect: true,
		}
	}
	log := func(name, subject string, age time.Duration, perSubject int64) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Subjects: []string{subject}, MaxAge: age, MaxMsgsPerSubject: perSubject,
			Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, AllowDirect: true,
		}
	}
	const day = 24 * time.Hour
	jobs := log(streamJobs, allJobsFilter, 0, 64)
	jobs.Discard = jetstream.DiscardNew // a full store refuses a new job; it never forgets one
	jobs.Subjects = append(jobs.Subjects, allJobKeysFilter)
	jobs.AllowMsgTTL, jobs.AllowRollup, jobs.AllowAtomicPublish = true, true, true
	files := queue(streamFiles, allFilesFilter, allSeenFilter, allAgainFilter, allHeldFilter, doneFilesFilter)
	files.Retention = jetstream.LimitsPolicy // an ack removes nothing: who acked does, in groups
	files.MaxMsgsPerSubject, files.DiscardNewPerSubject = 1, true
	files.MaxConsumers = 20_000
	results := log(streamResults, allResultsFilter, 30*day, t.ResultsPerJob)
	results.AllowAtomicPublish = true
	results.Subjects = append(results.Subjects, allAcksFilter)
	runs := log(streamRunEvents, allRunsFilter, 30*day, -1)
	runs.AllowAtomicPublish = true
	state := log(streamState, allStatesFilter, events.OwnKept, 1)
	state.AllowAtomicPublish, state.AllowMsgTTL = true, true // most go sooner; a lease stays for as long as a machine is away
	notifications := log(streamNotifications, allNotificationsFilter, 0, notificationsPerState)
	notifications.AllowMsgTTL = true
	drives := log(streamDrives, allDrivesFilter, 0, 1)
	drives.Subjects, drives.Discard = append(drives.Subjects, allPlacesFilter, allSharedFilter), jetstream.DiscardNew // a full one refuses a new drive; it never forgets one
	bulks := log(streamBulks, allBulksFilter, 30*day, 1)
	bulks.Subjects = append(bulks.Subjects, allBulkItemsFilter)
	bulks.Discard = jetstream.DiscardNew // a full one refuses a new one; it never forgets one that goes on
	all := []jetstream.StreamConfig{
		jobs,
		queue(streamTriggers, allTriggersFilter, allVerdictsFilter, clockSubject, allBacklogsFilter, allBootsFilter, allCalledFilter, allAskedFilter, allPausedFilter, doneOthersFilter),
		files,
		queue(streamRuns, allRunQueueFilter, allRunKeysFilter, allPausedRunsFilter),
		results,
		runs,
		log(streamDeadLetters, allDeadFilter, 90*day, -1),
		log(streamSlots, allSlotsFilter, 0, VerdictsPerJob),
		state,
		log(streamSubscribers, allSubscribersFilter, 0, 1),
		drives,
		notifications,
		bulks,
		t.tokens(),
	}
	return t.kept(all)
}

// kept says how streams are kept, all in the same way.
func (t Topology) kept(all []jetstream.StreamConfig) []jetstream.StreamConfig {
	for i := range all {
		all[i].Subjects = append(all[i].Subjects, probeSubject(all[i].Name))
		all[i].Storage = jetstream.FileStorage
		all[i].Replicas = t.Replicas
		setBound(&all[i], t.bytes(all[i].Name))
	}
	return all
}

// tokens is the stream of the bucket of tokens, as a client of NATS makes it, and with
// sessions that go by themselves.
func (t Topology) tokens() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamTokens, Subjects: []string{tokenPrefix + ">"}, MaxMsgsPerSubject: 1,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		AllowDirect: true, AllowRollup: true, AllowMsgTTL: true, DenyDelete: true,
	}
}

// everyStream are the streams, made once: each right of each role is looked up in them.
var everyStream = sync.OnceValue(func() []jetstream.StreamConfig { return Topology{}.streams() })

// StreamOf names the stream that keeps what is published to a subject, or below a
// filter; empty when none does.
func StreamOf(subject string) string {
	for _, cfg := range everyStream() {
		for _, s := range cfg.Subjects {
			if s == subject || strings.HasSuffix(s, ".>") && strings.HasPrefix(subject, strings.TrimSuffix(s, ">")) {
				return cfg.Name
			}
		}
	}
	return ""
}

// Await waits until the broker has made every stream and bucket, and until a restore of them is at its end.
func (b *Bus) Await(ctx context.Context) error {
	var names []string
	for _, cfg := range (Topology{}).streams() {
		names = append(names, cfg.Name)
	}
	for said := false; len(names) > 0; {
		_, err := b.js.Stream(ctx, names[len(names)-1])
		if err == nil {
			names = names[:len(names)-1]
			continue
		}
		if !said {
			b.log.Info("waiting for the broker's streams", "stream", names[len(names)-1], "error", err.Error())
			said = true
		}
		if err := wait.Sleep(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("wait for stream %s: %w", names[len(names)-1], err)
		}
	}
	for {
		if m, err := b.Marks(ctx); err == nil && !m.Restoring {
			return b.knows(ctx)
		}
		if err := wait.Sleep(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the restore of the store: %w", err)
		}
	}
}
