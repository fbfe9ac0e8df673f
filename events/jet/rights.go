package jet

import (
	"slices"

	"spool.internal/events"
)

// Rights are what one role does on NATS, and nothing else does it. A role whose
// code learns something new gets a row more here; TestRightsSuffice shows what is missing.
type Rights struct {
	Publish []string            // subjects of streams that it publishes to
	Once    []string            // the same, where only the first message counts
	Ask     []string            // subjects of other services that it asks
	AskOf   map[string][]string // by role: subjects on which it asks that one, in the account of which they are
	Answer  []string            // subjects of its own account on which subscribers, or another role, ask it
	Service bool                // it answers as a service of NATS, which can be asked what it is
	Follow  []string            // streams that it reads through ordered consumers, which bear its name
	Queues  []RightsQueue       // durable consumers that it works off
	Get     []string            // streams whose messages it reads from any replica, and surely: see [View.Sure]
	Leader  []string            // streams without whose leader it is not ready: it asks that one for the last message
	Purge   map[string][]string // by stream: filters below which it takes messages out
	Drop    []string            // streams out of which it takes single messages
	Hear    []string            // subjects of streams that it hears of at once
}

// RightsQueue is a durable consumer. A name may end with * and a filter be one of many.
type RightsQueue struct{ Stream, Name, Filter string }

// TokenKey is the subject of a key in the bucket of tokens.
func TokenKey(key string) string { return "$KV." + bucketTokens + "." + key }

// rights are those of each role, which [Rights] has the meaning of.
var rights = map[string]Rights{
	"gateway": {
		Publish: []string{
			allJobsFilter, triggersFilter(events.KindManual), triggersFilter(events.KindRetry), allAgainFilter, TokenKey("*"),
			allDrivesFilter, allSeenFilter, stateSubject("marklist", "*"), allJobKeysFilter, allBulksFilter, allBulkItemsFilter, roleSubject("gateway", "*"),
			placeSubject("*", "gateway"), allSharedFilter,
			runsFilter(events.Cancelling, ""), allAcksFilter, noticeAgainPrefix + ".>",
		},
		Ask:    []string{askSubscriberSubject, revokeSubscriberSubject},
		AskOf:  map[string][]string{"runner": {askLogsFilter, askOutputsFilter, askCancelsFilter}},
		Answer: []string{askTriggersFilter},
		Follow: []string{streamJobs, streamTokens, streamResults, streamRunEvents, streamSlots, streamDeadLetters, streamState, streamBulks},
		Get: []string{
			streamDeadLetters, streamFiles, streamJobs, streamTokens, streamResults,
			streamRunEvents, streamSlots, streamState, streamTriggers, streamSubscribers,
			streamNotifications, streamDrives, streamRuns,
		},
		Leader: []string{
			streamDrives, streamJobs, streamTokens, streamResults, streamRunEvents, streamTriggers, streamDeadLetters,
			streamSubscribers, streamSlots, streamState, streamRuns, streamBulks,
		},
		Purge: map[string][]string{streamFiles: {allAgainFilter, allHeldFilter}, streamResults: {allResultsFilter, allAcksFilter}, streamBulks: {allBulkItemsFilter}},
		Drop:  []string{streamDeadLetters, streamFiles},
	},
	"cron": {
		Publish: []string{
			clockSubject, triggersFilter(events.KindCron), allVerdictsFilter, allBacklogsFilter, allBootsFilter, allSlotsFilter, roleSubject("cron", "*"),
		},
		Follow: []string{streamJobs},
		Queues: []RightsQueue{{streamTriggers, "cron-verdicts", allVerdictsFilter}},
		Get:    []string{streamJobs, streamTriggers, streamState},
		Leader: []string{streamJobs, streamTriggers},
		Purge:  map[string][]string{streamTriggers: {clockSubject, allBacklogsFilter, allBootsFilter}},
	},
	"watcher": {
		Publish: []string{allFilesFilter, allSeenFilter, allHeldFilter, stateSubject("watch", ">"), stateSubject("files", ">"), roleSubject("watcher", "*"), placeSubject("*", "watcher"), allSharedFilter},
		Follow:  []string{streamJobs, streamRunEvents},
		Queues: []RightsQueue{
			{streamRunEvents, "watcher-after*", runsFilter(events.Ended, "")},
			{streamResults, "watcher-after*", allResultsFilter},
		},
		Get: []string{
			streamDeadLetters, streamFiles, streamRuns, streamTriggers, streamRunEvents, streamState, streamDrives,
		},
		Leader: []string{streamJobs, streamFiles, streamDrives},
		Purge:  map[string][]string{streamFiles: {allAgainFilter, allSeenFilter, allHeldFilter}},
		Drop:   []string{streamFiles},
		Hear:   []string{allAgainFilter, allHeldFilter},
	},
	"dispatcher": {
		Publish: []string{
			allCalledFilter, allAskedFilter, allDeadFilter, allPausedFilter, triggersFilter(events.KindCron), doneFilesFilter, doneOthersFilter, allResultsFilter, allSeenFilter, allSlotsFilter,
			stateSubject("retry", "*"), roleSubject("dispatcher", "*"), roleSubject("notify", "*"),
			runsFilter(events.Accepted, ""), runsFilter(events.Started, ""), runsFilter(events.Ended, ""), runsFilter(events.Undelivered, ""), runsFilter(events.Told, ""),
			allNotificationsFilter,
		},
		Once:   []string{TokenKey("_seal")},
		Follow: []string{streamJobs, streamRunEvents},
		Queues: []RightsQueue{
			{streamTriggers, "dispatch-cron", triggersFilter(events.KindCron)},
			{streamTriggers, "dispatch-manual", triggersFilter(events.KindManual)},
			{streamTriggers, "dispatch-retry", triggersFilter(events.KindRetry)},
			{streamFiles, "file-*", allFilesFilter},
			{streamRunEvents, "notify-webhook", runsFilter(events.Ended, "")},
			{streamRunEvents, "notify-email", runsFilter(events.Ended, "")},
			{streamDeadLetters, "notify-email-dead", allDeadFilter},
			{streamNotifications, "notify-states-webhook", allConditionsFilter},
			{streamNotifications, "notify-states-email", allConditionsFilter},
			{streamNotifications, "notify-again-webhook", noticeAgainPrefix + ".*.*." + string(events.ChannelWebhook)},
			{streamNotifications, "notify-again-email", noticeAgainPrefix + ".*.*." + string(events.ChannelEmail)},
			{streamNotifications, "notify-balance", notificationSubject("", events.AboutBalance)},
			{streamRunEvents, "notify-heartbeat", runsFilter(events.Ended, "")},
			{streamRunEvents, "notify-ended", runsFilter(events.Ended, "")},
			{streamRunEvents, "notify-started", runsFilter(events.Started, "")},
			{streamResults, "notify-heartbeat", allResultsFilter},
			{streamResults, "notify-results", allResultsFilter},
			{streamSlots, "notify-slots", allSlotsFilter},
		},
		Get: []string{
			streamDeadLetters, streamFiles, streamResults, streamRunEvents,
			streamState, streamSlots, streamNotifications, streamJobs, streamTriggers, streamDrives,
		},
		Leader: []string{
			streamJobs, streamTokens, streamRuns, streamRunEvents, streamTriggers, streamNotifications,
		},
		Purge: map[string][]string{
			streamFiles: {allFilesFilter, doneFilesFilter}, streamState: {stateSubject("retry", "*")},
			streamTriggers: {allCalledFilter, allAskedFilter, allPausedFilter, allTriggersFilter, doneOthersFilter}, streamNotifications: {allNotificationsFilter},
		},
		Drop: []string{streamFiles, streamTriggers},
		Hear: []string{allFilesFilter},
	},
	"runner": {
		Publish: []string{
			runsFilter(events.Accepted, ""), runsFilter(events.Started, ""), runsFilter(events.Cancelling, ""), runsFilter(events.Ended, ""),
			runsFilter(events.Retrying, ""), allRunKeysFilter, allRunQueueFilter, allPausedRunsFilter, allRunnersFilter, allDeadFilter, roleSubject("runner", "*"),
			placeSubject("*", "runner"), allSharedFilter, allLeasesFilter,
		},
		Answer:  []string{askLogsFilter, askOutputsFilter, askCancelsFilter},
		Service: true,
		Follow:  []string{streamTokens, streamRunEvents},
		Queues:  []RightsQueue{{streamRuns, "runner-*", allRunQueueFilter}},
		Get:     []string{streamRuns, streamFiles, streamDeadLetters, streamDrives, streamState},
		Leader:  []string{streamDrives, streamJobs, streamTokens, streamRuns, streamRunEvents, streamState},
		Purge:   map[string][]string{streamRuns: {allRunKeysFilter}},
		Drop:    []string{streamRuns},
	},
}

// Leaders are the streams whose leaders the role asks for messages.
func (r Rights) Leaders() []string {
	all := slices.Concat(r.Leader, r.Get)
	slices.Sort(all)
	return slices.Compact(all)
}

// RightsOf gives the rights of a role by its name.
func RightsOf(role string) Rights { return rights[role] }

// Streams lists all streams; everybody may ask what state they are in.
func Streams() []string {
	return []string{
		streamJobs, streamTriggers, streamFiles, streamRuns, streamResults,
		streamRunEvents, streamDeadLetters, streamSlots, streamState, streamSubscribers, streamTokens,
		streamNotifications, streamDrives, streamBulks,
	}
}

// Probe is the subject that a probe is written to when a stream has refused something.
func Probe(stream string) string { return probeSubject(stream) }

// Hinted are the filters of what roles hear of at once, in the account of the broker.
func Hinted() []string { return []string{allAgainFilter, allFilesFilter, allHeldFilter} }

// HintedFiles is the job whose files a hint is about, of which one tells as much as many; "" for other hints.
func HintedFiles(subject string) (jobID string) {
	if sub, err := parseSubject(subject); err == nil && sub.Family == "file" {
		jobID = sub.JobID
	}
	return jobID
}
