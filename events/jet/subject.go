package jet

import (
	"strconv"
	"strings"

	"spool.internal/events"
)

// Streams and buckets. The table of their contents is in ARCHITECTURE.md.
const (
	streamJobs        = "JOBS"
	streamTriggers    = "TRIGGERS"
	streamFiles       = "FILES"
	streamRuns        = "RUNS"
	streamResults     = "RESULTS"
	streamRunEvents   = "RUN_EVENTS"
	streamDeadLetters = "DEADLETTERS"
	streamSlots       = "SLOTS"
	streamState       = "STATE"
	streamSubscribers = "SUBSCRIBERS"
	streamDrives      = "DRIVES"
	streamBulks       = "BULKS"

	streamNotifications = "NOTIFICATIONS"

	bucketTokens = "TOKENS"
)

// clockSubject holds the one [events.Clock] of all cron replicas.
const clockSubject = "spool.clock"

// Every subject is a family followed by tokens that hold no user text.
const (
	familyJob        = "spool.job"
	familyJobKey     = "spool.jobkey"
	familyTrigger    = "spool.trigger"
	familyVerdict    = "spool.verdict"
	familyBacklog    = "spool.backlog"
	familyCalled     = "spool.called"
	familyAsked      = "spool.asked"
	familyBoot       = "spool.boot"
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
	familyPlace      = "spool.place"
	familyShared     = "spool.shareddrive"
	familyBulk       = "spool.bulk"
	familyBulkItems  = "spool.bulkitems"
	familyNotify     = "spool.notification"
	familyProbe      = "spool.probe"
)

// Filters for consumers, one a family.
const (
	allJobsFilter        = familyJob + ".>"
	allJobKeysFilter     = familyJobKey + ".>"
	allTriggersFilter    = familyTrigger + ".>"
	allVerdictsFilter    = familyVerdict + ".>"
	allCalledFilter      = familyCalled + ".>"
	allAskedFilter       = familyAsked + ".>"
	allBootsFilter       = familyBoot + ".>"
	allBacklogsFilter    = familyBacklog + ".>"
	allPausedFilter      = familyPaused + ".>"
	allPausedRunsFilter  = familyPausedRun + ".>"
	doneFilesFilter      = familyDone + ".file.>"
	doneOthersFilter     = familyDone + ".trigger.>"
	allFilesFilter       = familyFile + ".>"
	allSeenFilter        = familySeen + ".>"
	allAgainFilter       = familyAgain + ".>"
	allHeldFilter        = familyHeld + ".>"
	allRunQueueFilter    = familyRunQueue + ".>"
	allRunKeysFilter     = familyRunKey + ".>"
	allResultsFilter     = familyResult + ".>"
	allRunsFilter        = familyRun + ".>"
	allDeadFilter        = familyDead + ".>"
	allSlotsFilter       = familySlot + ".>"
	allStatesFilter      = familyState + ".>"
	allSubscribersFilter = familySubscriber + ".>"
	allDrivesFilter      = familyDrive + ".>"
	allPlacesFilter      = familyPlace + ".>"
	allSharedFilter      = familyShared + ".>"
	allBulksFilter       = familyBulk + ".>"
	allBulkItemsFilter   = familyBulkItems + ".>"
	allRunnersFilter     = familyState + ".runner.*"

	allNotificationsFilter = familyNotify + ".>"
	allConditionsFilter    = familyNotify + ".state.>"
)

// probeSubject holds what a service wrote into a stream to see whether it takes anything.
func probeSubject(stream string) string { return familyProbe + "." + stream }

// jobSubject carries the events of one job.
func jobSubject(jobID string) string { return familyJob + "." + jobID }

// jobKeySubject is the claim on a key among the jobs of one owner.
func jobKeySubject(owner, key string) string {
	return familyJobKey + "." + events.Hash(owner+"\x00"+key)
}

// triggerSubject queues the triggers of one kind and job.
func triggerSubject(k events.Kind, jobID string) string {
	return familyTrigger + "." + string(k) + "." + jobID
}

// triggersFilter filters the triggers of one kind.
func triggersFilter(k events.Kind) string { return familyTrigger + "." + string(k) + ".>" }

// verdictSubject queues verdicts on the slots of one job, until cron has copied them to [slotSubject].
func verdictSubject(jobID string) string { return familyVerdict + "." + jobID }

// backlogSubject is the ledger of what catch-up still owes one job.
func backlogSubject(jobID string) string { return familyBacklog + "." + jobID }

// calledSubject is the ledger of calls that may be made at most once.
func calledSubject(jobID, triggerID string) string {
	return familyCalled + "." + jobID + "." + events.Hash(triggerID)
}

// askedSubject is the ledger of triggers that somebody asked for under an id.
func askedSubject(jobID, id string) string { return familyAsked + "." + jobID + "." + events.Hash(id) }

// askedFilter filters that ledger by job.
func askedFilter(jobID string) string { return familyAsked + "." + jobID + ".>" }

// bootSubject is the ledger of the newest start of a host that a job has run for.
func bootSubject(jobID, host string) string {
	return familyBoot + "." + jobID + "." + events.Hash(host)
}

// turnSubject is the ledger of whose turn it is in a job whose runs must not overlap.
func turnSubject(jobID string) string { return familyCalled + "." + jobID + ".turn" }

// doneFilter filters the ledger of triggers of a stream that have come to their end.
func doneFilter(stream string) string {
	if stream == streamFiles {
		return doneFilesFilter
	}
	return doneOthersFilter
}

// doneByFilter filters what one writer has entered into that ledger.
func doneByFilter(stream, writer string) string {
	return strings.TrimSuffix(doneFilter(stream), ">") + writer + ".>"
}

// doneSubject is the n-th entry of one writer in that ledger.
func doneSubject(stream, writer string, n int) string {
	return strings.TrimSuffix(doneByFilter(stream, writer), ">") + strconv.Itoa(n)
}

// pausedSubject keeps a trigger that waits until its job is enabled.
func pausedSubject(jobID, triggerID string) string {
	return familyPaused + "." + jobID + "." + events.Hash(triggerID)
}

// pausedFilter filters the triggers of one job that wait until it is enabled.
func pausedFilter(jobID string) string { return familyPaused + "." + jobID + ".>" }

// pausedRunSubject keeps an accepted run that waits until its job is enabled.
// [acceptedRunFilter] is about it, too.
func pausedRunSubject(jobID, flowJobID string) string {
	return familyPausedRun + "." + jobID + "." + flowJobID
}

// pausedRunsFilter filters the accepted runs of one job that wait until it is enabled.
func pausedRunsFilter(jobID string) string { return familyPausedRun + "." + jobID + ".>" }

// callsFilter filters the ledger of one job's calls.
func callsFilter(jobID string) string { return familyCalled + "." + jobID + ".>" }

// fileSubject queues the trigger of one file.
func fileSubject(jobID, fingerprint string) string {
	return familyFile + "." + jobID + "." + fingerprint
}

// filesFilter filters the queued files of one job.
func filesFilter(jobID string) string { return familyFile + "." + jobID + ".>" }

// seenSubject is the ledger of one file: once there, that file has been triggered.
func seenSubject(jobID, path, fingerprint string) string {
	return familySeen + "." + jobID + "." + events.Hash(path) + "." + fingerprint
}

// seenFilter filters the ledger of one job's files.
func seenFilter(jobID string) string { return familySeen + "." + jobID + ".>" }

// seenPathFilter filters the ledger of one path of one job.
func seenPathFilter(jobID, path string) string {
	return familySeen + "." + jobID + "." + events.Hash(path) + ".>"
}

// againSubject is the ledger of one request to run the file at a path again.
func againSubject(jobID, path, generation string) string {
	return familyAgain + "." + jobID + "." + events.Hash(path) + "." + generation
}

// againFilter filters the requests to run files of one job again.
func againFilter(jobID string) string { return familyAgain + "." + jobID + ".>" }

// againPathFilter filters the requests to run the file at one path again.
func againPathFilter(jobID, path string) string {
	return familyAgain + "." + jobID + "." + events.Hash(path) + ".>"
}

// heldSubject says why one file in the ledger was not triggered: see [events.Held].
func heldSubject(jobID, path, fingerprint string) string {
	return familyHeld + "." + jobID + "." + events.Hash(path) + "." + fingerprint
}

// heldFilter filters the held files of one job.
func heldFilter(jobID string) string { return familyHeld + "." + jobID + ".>" }

// heldPathFilter filters what is held of one path of one job.
func heldPathFilter(jobID, path string) string {
	return familyHeld + "." + jobID + "." + events.Hash(path) + ".>"
}

// runQueueSubject queues one accepted run for the runners of one pool.
func runQueueSubject(pool, flowJobID string) string {
	return familyRunQueue + "." + pool + "." + flowJobID
}

// runQueueFilter filters the queue of one pool.
func runQueueFilter(pool string) string { return familyRunQueue + "." + pool + ".>" }

// runKeySubject is the ledger of one accepted run that has ended.
func runKeySubject(pool, flowJobID string) string { return familyRunKey + "." + pool + "." + flowJobID }

// acceptedRunFilter filters what tells that a run was accepted, whatever its pool: its
// place in the queue or among the paused, and its key once it has ended.
func acceptedRunFilter(flowJobID string) string { return "spool.*.*." + flowJobID }

// resultSubject carries the results of one job.
func resultSubject(jobID string) string { return familyResult + "." + jobID }

// runSubject carries one phase of one run. An empty jobID is [events.NoJob].
func runSubject(p events.Phase, jobID, flowJobID string) string {
	if jobID == "" {
		jobID = events.NoJob
	}
	return familyRun + "." + string(p) + "." + jobID + "." + flowJobID
}

// phasesFilter filters all phases of one run. An empty jobID is [events.NoJob].
func phasesFilter(jobID, flowJobID string) string { return runSubject("*", jobID, flowJobID) }

// runsFilter filters one phase of the runs of one job; an empty jobID means every job's.
func runsFilter(p events.Phase, jobID string) string {
	if jobID == "" {
		return familyRun + "." + string(p) + ".>"
	}
	return familyRun + "." + string(p) + "." + jobID + ".>"
}

// undeliveredSubject carries that the end of one run could not be told by one
// channel. It is longer than those of the phases, so that [phasesFilter] is only about the run.
func undeliveredSubject(jobID, flowJobID string, channel events.Channel) string {
	return runSubject(events.Undelivered, jobID, flowJobID) + "." + string(channel)
}

// deadSubject carries what could not be delivered for one job.
func deadSubject(jobID string) string { return familyDead + "." + jobID }

// slotSubject carries the verdicts on the slots of one job.
func slotSubject(jobID string) string { return familySlot + "." + jobID }

// stateSubject carries what a watcher ("watch") or dispatcher ("retry") is doing with one job now.
func stateSubject(part, jobID string) string { return familyState + "." + part + "." + jobID }

// roleSubject carries the [events.RoleState] of one process of one role.
func roleSubject(role, instance string) string { return stateSubject("role", role) + "." + instance }

// allRolesFilter filters what all roles say of themselves.
const allRolesFilter = familyState + ".role.>"

// runnerSubject carries the [events.RunnerState] of one runner.
func runnerSubject(id string) string { return stateSubject("runner", id) }

// notificationSubject carries the state of one job in one respect. An empty jobID is [events.NoJob].
func notificationSubject(jobID, about string) string {
	if jobID == "" {
		jobID = events.NoJob
	}
	return familyNotify + ".state." + jobID + "." + about
}

// notificationsFilter filters all that is notified of one job, delivered or not.
func notificationsFilter(jobID string) string { return familyNotify + ".*." + jobID + ".>" }

// undeliverableSubject carries that one channel has given up one notification.
func undeliverableSubject(jobID, about string, seq uint64, channel events.Channel) string {
	if jobID == "" {
		jobID = events.NoJob
	}
	return familyNotify + ".undelivered." + jobID + "." + about + "." + strconv.FormatUint(seq, 10) + "." + string(channel)
}

// driveSubject holds the [events.HostDrive] of a logical path.
func driveSubject(path string) string { return familyDrive + "." + events.Hash(path) }

// subscriberSubject holds the [events.Subscriber] of a name.
func subscriberSubject(name string) string { return familySubscriber + "." + name }

// What the broker is asked for, by gateways alone: see [events.Subscriber].
const (
	askSubscriberSubject    = "spool.api.subscriber.create"
	revokeSubscriberSubject = "spool.api.subscriber.revoke"
)

// askTriggerPrefix is what a subscriber that may trigger asks for a run on. Gateways hear
// it as [askTriggerSubject] the subscriber, whom its account names, not the request.
const (
	askTriggerPrefix  = "spool.api.trigger"
	askTriggersFilter = askTriggerPrefix + ".*"
)

// askTriggerSubject is where a subscriber's request arrives.
func askTriggerSubject(name string) string { return askTriggerPrefix + "." + name }
