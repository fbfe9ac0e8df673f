package jet

// Placed is a stream in the order of a backup, and why it is there.
type Placed struct{ Stream, Why string }

// BackupOrder is the order in which the streams of a store are copied, and restored. It is upstream first:
// what leaves a stream before it is copied is in one that is copied after it, so that it is twice in a
// backup rather than not at all; ledgers and keys then see to it that it is done once.
func BackupOrder() []Placed {
	return []Placed{
		{streamBulks, "an action on many says it has done a part only once that part is in TRIGGERS or JOBS: an older word does the part again, which it notices"},
		{streamTriggers, "the clock and what it fired, which leaves for RUNS, RESULTS, DEADLETTERS and SLOTS"},
		{streamFiles, "queued files, which leave for RUNS, RESULTS and DEADLETTERS; the ledger of files stays"},
		{streamRuns, "accepted runs leave when their end is in RUN_EVENTS; the keys of those that ended stay for 7 days"},
		{streamRunEvents, "an end is stored before the run leaves RUNS"},
		{streamResults, "a result is stored before its trigger leaves its queue"},
		{streamDeadLetters, "a letter is stored before its trigger leaves its queue"},
		{streamSlots, "a verdict is here before it leaves TRIGGERS"},
		{streamNotifications, "states follow from results, runs, letters and slots: a state is not to be ahead of what it tells of"},
		{streamState, "what somebody is doing at this moment: a restore makes the stream and leaves out what is in it, since leases and signs of life of another time would be lies"},
		{streamJobs, "late, so that no trigger or result names a revision beyond it, and a job deleted meanwhile is deleted"},
		{streamDrives, "a folder is stored before the job that names it"},
		{streamSubscribers, "late, so that one that is revoked meanwhile is revoked"},
		{streamTokens, "last, so that a token that is revoked meanwhile is revoked; and services wait for every stream, so none begins before this one is there, and what was restored is compared"},
	}
}

// Streams that a backup treats each in a way of its own.
const (
	StateStream       = streamState
	SubscribersStream = streamSubscribers
	DeadLettersStream = streamDeadLetters
)

// IsClock reports whether a subject is that of cron's clock, which says only up to when nothing was due.
func IsClock(subject string) bool { return subject == clockSubject }
