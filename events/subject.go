package events

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Streams and buckets. The table of their contents is in ARCHITECTURE.md.
const (
	StreamJobs        = "JOBS"
	StreamTriggers    = "TRIGGERS"
	StreamFiles       = "FILES"
	StreamRuns        = "RUNS"
	StreamResults     = "RESULTS"
	StreamRunEvents   = "RUN_EVENTS"
	StreamDeadLetters = "DEADLETTERS"
	StreamSlots       = "SLOTS"
	StreamState       = "STATE"
	StreamSubscribers = "SUBSCRIBERS"
	StreamDrives      = "DRIVES"

	StreamNotifications = "NOTIFICATIONS"

	BucketTokens = "TOKENS"
)

// ClockSubject holds the one [Clock] of all cron replicas.
const ClockSubject = "spool.clock"

// NoJob stands for the job in the subject of a run that no job asked for.
const NoJob = "none"

// Every subject is a family followed by tokens that hold no user text.
const (
	familyJob        = "spool.job"
	familyTrigger    = "spool.trigger"
	familyVerdict    = "spool.verdict"
	familyBacklog    = "spool.backlog"
	familyCalled     = "spool.called"
	familyDone       = "spool.done"
	familyPaused     = "spool.paused"
	familyPausedRun  = "spool.pausedrun"
	familyFile       = "spool.file"
	familySeen       = "spool.seen"
	familyAgain      = "spool.again"
	familyHeld       = "spool.held"
	familyRunQueue   = "spool.runqueue"
	familyRunKey     = "spool.runkey"
	familyResult     = "spool.result"
	familyRun        = "spool.run"
	familyDead       = "spool.dead"
	familySlot       = "spool.slot"
	familyState      = "spool.state"
	familySubscriber = "spool.subscriber"
	familyDrive      = "spool.drive"
	familyNotify     = "spool.notification"
	familyProbe      = "spool.probe"
)

// Filters for consumers, one a family.
const (
	AllJobs        = familyJob + ".>"
	AllTriggers    = familyTrigger + ".>"
	AllVerdicts    = familyVerdict + ".>"
	AllCalled      = familyCalled + ".>"
	AllBacklogs    = familyBacklog + ".>"
	AllPaused      = familyPaused + ".>"
	AllPausedRuns  = familyPausedRun + ".>"
	DoneFiles      = familyDone + ".file.>"
	DoneOthers     = familyDone + ".trigger.>"
	AllFiles       = familyFile + ".>"
	AllSeen        = familySeen + ".>"
	AllAgain       = familyAgain + ".>"
	AllHeld        = familyHeld + ".>"
	AllRunQueue    = familyRunQueue + ".>"
	AllRunKeys     = familyRunKey + ".>"
	AllResults     = familyResult + ".>"
	AllRuns        = familyRun + ".>"
	AllDead        = familyDead + ".>"
	AllSlots       = familySlot + ".>"
	AllStates      = familyState + ".>"
	AllSubscribers = familySubscriber + ".>"
	AllDrives      = familyDrive + ".>"
	AllRunners     = familyState + ".runner.*"

	AllNotifications = familyNotify + ".>"
	AllConditions    = familyNotify + ".state.>"
)

// ProbeSubject holds what a service wrote into a stream to see whether it takes anything.
func ProbeSubject(stream string) string { return familyProbe + "." + stream }

// JobSubject carries the events of one job.
func JobSubject(jobID string) string { return familyJob + "." + jobID }

// TriggerSubject queues the triggers of one kind and job.
func TriggerSubject(k Kind, jobID string) string {
	return familyTrigger + "." + string(k) + "." + jobID
}

// TriggersOf filters the triggers of one kind.
func TriggersOf(k Kind) string { return familyTrigger + "." + string(k) + ".>" }

// VerdictSubject queues verdicts on the slots of one job, until cron has copied them to [SlotSubject].
func VerdictSubject(jobID string) string { return familyVerdict + "." + jobID }

// BacklogSubject is the ledger of what catch-up still owes one job.
func BacklogSubject(jobID string) string { return familyBacklog + "." + jobID }

// CalledSubject is the ledger of calls that may be made at most once.
func CalledSubject(jobID, triggerID string) string {
	return familyCalled + "." + jobID + "." + Hash(triggerID)
}

// TurnSubject is the ledger of whose turn it is in a job whose runs must not overlap.
func TurnSubject(jobID string) string { return familyCalled + "." + jobID + ".turn" }

// DoneOf filters the ledger of triggers of a stream that have come to their end.
func DoneOf(stream string) string {
	if stream == StreamFiles {
		return DoneFiles
	}
	return DoneOthers
}

// DoneBy filters what one writer has entered into that ledger.
func DoneBy(stream, writer string) string {
	return strings.TrimSuffix(DoneOf(stream), ">") + writer + ".>"
}

// DoneSubject is the n-th entry of one writer in that ledger.
func DoneSubject(stream, writer string, n int) string {
	return strings.TrimSuffix(DoneBy(stream, writer), ">") + strconv.Itoa(n)
}

// IsToken reports whether a text that is not ours, as the id that an endpoint
// gives a run, can stand in a subject as it is.
func IsToken(s string) bool {
	for _, c := range s {
		if c <= ' ' || c > '~' || c == '.' || c == '*' || c == '>' {
			return false
		}
	}
	return s != ""
}

// PausedSubject keeps a trigger that waits until its job is enabled.
func PausedSubject(jobID, triggerID string) string {
	return familyPaused + "." + jobID + "." + Hash(triggerID)
}

// PausedOf filters the triggers of one job that wait until it is enabled.
func PausedOf(jobID string) string { return familyPaused + "." + jobID + ".>" }

// PausedRunSubject keeps an accepted run that waits until its job is enabled.
// [AcceptedRun] is about it, too.
func PausedRunSubject(jobID, flowJobID string) string {
	return familyPausedRun + "." + jobID + "." + flowJobID
}

// PausedRunsOf filters the accepted runs of one job that wait until it is enabled.
func PausedRunsOf(jobID string) string { return familyPausedRun + "." + jobID + ".>" }

// CallsOf filters the ledger of one job's calls.
func CallsOf(jobID string) string { return familyCalled + "." + jobID + ".>" }

// FileSubject queues the trigger of one file.
func FileSubject(jobID, fingerprint string) string {
	return familyFile + "." + jobID + "." + fingerprint
}

// FilesOf filters the queued files of one job.
func FilesOf(jobID string) string { return familyFile + "." + jobID + ".>" }

// SeenSubject is the ledger of one file: once there, that file has been triggered.
func SeenSubject(jobID, path, fingerprint string) string {
	return familySeen + "." + jobID + "." + Hash(path) + "." + fingerprint
}

// SeenOf filters the ledger of one job's files.
func SeenOf(jobID string) string { return familySeen + "." + jobID + ".>" }

// SeenPath filters the ledger of one path of one job.
func SeenPath(jobID, path string) string { return familySeen + "." + jobID + "." + Hash(path) + ".>" }

// AgainSubject is the ledger of one request to run the file at a path again.
func AgainSubject(jobID, path, generation string) string {
	return familyAgain + "." + jobID + "." + Hash(path) + "." + generation
}

// AgainOf filters the requests to run files of one job again.
func AgainOf(jobID string) string { return familyAgain + "." + jobID + ".>" }

// AgainPath filters the requests to run the file at one path again.
func AgainPath(jobID, path string) string {
	return familyAgain + "." + jobID + "." + Hash(path) + ".>"
}

// HeldSubject says why one file in the ledger was not triggered: see [Held].
func HeldSubject(jobID, path, fingerprint string) string {
	return familyHeld + "." + jobID + "." + Hash(path) + "." + fingerprint
}

// HeldOf filters the held files of one job.
func HeldOf(jobID string) string { return familyHeld + "." + jobID + ".>" }

// HeldPath filters what is held of one path of one job.
func HeldPath(jobID, path string) string { return familyHeld + "." + jobID + "." + Hash(path) + ".>" }

// RunQueueSubject queues one accepted run for the runners of one pool.
func RunQueueSubject(pool, flowJobID string) string {
	return familyRunQueue + "." + pool + "." + flowJobID
}

// RunQueueOf filters the queue of one pool.
func RunQueueOf(pool string) string { return familyRunQueue + "." + pool + ".>" }

// RunKeySubject is the ledger of one accepted run that has ended.
func RunKeySubject(pool, flowJobID string) string { return familyRunKey + "." + pool + "." + flowJobID }

// AcceptedRun filters what tells that a run was accepted, whatever its pool: its
// place in the queue or among the paused, and its key once it has ended.
func AcceptedRun(flowJobID string) string { return "spool.*.*." + flowJobID }

// ResultSubject carries the results of one job.
func ResultSubject(jobID string) string { return familyResult + "." + jobID }

// RunSubject carries one phase of one run. An empty jobID is [NoJob].
func RunSubject(p Phase, jobID, flowJobID string) string {
	if jobID == "" {
		jobID = NoJob
	}
	return familyRun + "." + string(p) + "." + jobID + "." + flowJobID
}

// PhasesOf filters all phases of one run. An empty jobID is [NoJob].
func PhasesOf(jobID, flowJobID string) string { return RunSubject("*", jobID, flowJobID) }

// RunsOf filters one phase of the runs of one job; an empty jobID means every job's.
func RunsOf(p Phase, jobID string) string {
	if jobID == "" {
		return familyRun + "." + string(p) + ".>"
	}
	return familyRun + "." + string(p) + "." + jobID + ".>"
}

// UndeliveredSubject carries that the end of one run could not be told by one
// channel. It is longer than those of the phases, so that [PhasesOf] is only about the run.
func UndeliveredSubject(jobID, flowJobID, channel string) string {
	return RunSubject(Undelivered, jobID, flowJobID) + "." + channel
}

// DeadSubject carries what could not be delivered for one job.
func DeadSubject(jobID string) string { return familyDead + "." + jobID }

// SlotSubject carries the verdicts on the slots of one job.
func SlotSubject(jobID string) string { return familySlot + "." + jobID }

// StateSubject carries what a watcher ("watch") or dispatcher ("retry") is doing with one job now.
func StateSubject(part, jobID string) string { return familyState + "." + part + "." + jobID }

// RunnerSubject carries the [RunnerState] of one runner.
func RunnerSubject(id string) string { return StateSubject("runner", id) }

// NotificationSubject carries the state of one job in one respect. An empty jobID is [NoJob].
func NotificationSubject(jobID, about string) string {
	if jobID == "" {
		jobID = NoJob
	}
	return familyNotify + ".state." + jobID + "." + about
}

// NotificationsOf filters all that is notified of one job, delivered or not.
func NotificationsOf(jobID string) string { return familyNotify + ".*." + jobID + ".>" }

// UndeliverableSubject carries that one channel has given up one notification.
func UndeliverableSubject(jobID, about string, seq uint64, channel string) string {
	if jobID == "" {
		jobID = NoJob
	}
	return familyNotify + ".undelivered." + jobID + "." + about + "." + strconv.FormatUint(seq, 10) + "." + channel
}

// DriveSubject holds the [HostDrive] of a logical path.
func DriveSubject(path string) string { return familyDrive + "." + Hash(path) }

// SubscriberSubject holds the [Subscriber] of a name.
func SubscriberSubject(name string) string { return familySubscriber + "." + name }

// What the broker is asked for, by gateways alone: see [Subscriber].
const (
	AskSubscriber    = "spool.api.subscriber.create"
	RevokeSubscriber = "spool.api.subscriber.revoke"
)

// AskTrigger is what a subscriber that may trigger asks for a run on. Gateways hear
// it as [AskTriggerOf] the subscriber, whom its account names, not the request.
const (
	AskTrigger  = "spool.api.trigger"
	AskTriggers = AskTrigger + ".*"
)

// AskTriggerOf is where a subscriber's request arrives.
func AskTriggerOf(name string) string { return AskTrigger + "." + name }

// Subject is a subject taken apart.
type Subject struct {
	Family string // "job", "trigger", "file", …, "clock"
	Kind   string // trigger: its kind; run: its phase; state: its part; done: whose end
	JobID  string // empty where the family has none
	Rest   string // what follows: fingerprint, flow job id, pool, hashes
}

// ParseSubject takes apart any subject that this file builds.
func ParseSubject(s string) (Subject, error) {
	if s == ClockSubject {
		return Subject{Family: "clock"}, nil
	}
	tokens := strings.Split(s, ".")
	if len(tokens) < 3 || tokens[0] != "spool" {
		return Subject{}, fmt.Errorf("subject %q is not of Spool", s)
	}
	if slices.Contains(tokens, "") {
		return Subject{}, fmt.Errorf("subject %q has an empty token", s)
	}
	sub, rest := Subject{Family: tokens[1]}, tokens[2:]
	want := 1
	switch sub.Family {
	case "notification":
		if sub.Kind, rest, want = rest[0], rest[1:], 2; sub.Kind == string(Undelivered) {
			want = 4
		}
	case "trigger", "state":
		sub.Kind, rest = rest[0], rest[1:]
	case "run":
		if sub.Kind, rest, want = rest[0], rest[1:], 2; sub.Kind == string(Undelivered) {
			want = 3
		}
	case "called", "file", "paused", "pausedrun":
		want = 2
	case "seen", "again", "held":
		want = 3
	case "job", "verdict", "backlog", "result", "dead", "slot":
	case "subscriber", "drive":
		if len(rest) == 1 {
			sub.Rest = rest[0]
			return sub, nil
		}
		want = -1
	case "done":
		if len(rest) == 3 {
			sub.Kind, sub.Rest = rest[0], strings.Join(rest[1:], ".")
			return sub, nil
		}
		want = -1
	case "runqueue", "runkey":
		if len(rest) == 2 {
			sub.Rest = strings.Join(rest, ".")
			return sub, nil
		}
		want = -1
	default:
		want = -1
	}
	if len(rest) != want {
		return Subject{}, fmt.Errorf("subject %q has not the form of its family", s)
	}
	sub.JobID, sub.Rest = rest[0], strings.Join(rest[1:], ".")
	return sub, nil
}

// Hash is how text of users and of the file system enters a subject: 128 bits of SHA-256, in hex.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
