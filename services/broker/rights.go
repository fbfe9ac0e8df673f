package broker

import (
	"maps"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// Role is a service that runs as a process of its own, with a credential of its own.
type Role string

// The roles. The credential of each is the file <role>.creds in the data folder.
const (
	Gateway    Role = "gateway"
	Cron       Role = "cron"
	Watcher    Role = "watcher"
	Dispatcher Role = "dispatcher" // and notify, which runs beside it
	Runner     Role = "runner"
)

// Roles lists them.
func Roles() []Role { return []Role{Gateway, Cron, Watcher, Dispatcher, Runner} }

// Creds is the name of the role's credentials file in the data folder.
func (r Role) Creds() string { return string(r) + ".creds" }

// rights are what one role does on NATS, and nothing else does it. A role whose
// code learns something new gets a row more here; TestRightsSuffice shows what is missing.
type rights struct {
	publish []string            // subjects of streams that it publishes to
	once    []string            // the same, where only the first message counts
	ask     []string            // subjects of other services that it asks
	answer  []string            // subjects of its own account on which subscribers ask it
	follow  []string            // streams that it reads through ordered consumers, which bear its name
	queues  []queue             // durable consumers that it works off
	get     []string            // streams whose messages it reads from any replica
	leader  []string            // streams whose last message it asks the leader for
	purge   map[string][]string // by stream: filters below which it takes messages out
	drop    []string            // streams out of which it takes single messages
	hear    []string            // subjects of streams that it hears of at once
}

// queue is a durable consumer. A name may end with * and a filter be one of many.
type queue struct{ stream, name, filter string }

const streamTokens = "KV_" + events.BucketTokens

// keyOf is the subject of a key in the bucket of tokens.
func keyOf(key string) string { return "$KV." + events.BucketTokens + "." + key }

var rightsOf = map[Role]rights{
	Gateway: {
		publish: []string{
			events.AllJobs, events.TriggersOf(events.KindManual), events.TriggersOf(events.KindRetry), events.AllAgain, keyOf("*"),
			events.AllDrives, events.AllSeen, events.StateSubject("marklist", "*"),
		},
		ask:    []string{events.AskSubscriber, events.RevokeSubscriber},
		answer: []string{events.AskTriggers},
		follow: []string{events.StreamJobs, streamTokens, events.StreamResults, events.StreamRunEvents},
		get: []string{
			events.StreamDeadLetters, events.StreamFiles, events.StreamJobs, streamTokens, events.StreamResults,
			events.StreamRunEvents, events.StreamSlots, events.StreamState, events.StreamTriggers, events.StreamSubscribers,
			events.StreamNotifications, events.StreamDrives, events.StreamRuns,
		},
		leader: []string{
			events.StreamDrives, events.StreamJobs, streamTokens, events.StreamResults, events.StreamRunEvents, events.StreamTriggers, events.StreamDeadLetters,
			events.StreamSubscribers,
		},
		purge: map[string][]string{events.StreamFiles: {events.AllAgain, events.AllHeld}, events.StreamResults: {events.AllResults}},
		drop:  []string{events.StreamDeadLetters, events.StreamFiles},
	},
	Cron: {
		publish: []string{
			events.ClockSubject, events.TriggersOf(events.KindCron), events.AllVerdicts, events.AllBacklogs, events.AllSlots,
		},
		follow: []string{events.StreamJobs},
		queues: []queue{{events.StreamTriggers, "cron-verdicts", events.AllVerdicts}},
		get:    []string{events.StreamJobs, events.StreamTriggers},
		leader: []string{events.StreamJobs, events.StreamTriggers},
		purge:  map[string][]string{events.StreamTriggers: {events.ClockSubject, events.AllBacklogs}},
	},
	Watcher: {
		publish: []string{events.AllFiles, events.AllSeen, events.AllHeld, events.StateSubject("watch", "*"), events.StateSubject("files", "*")},
		follow:  []string{events.StreamJobs, events.StreamRunEvents},
		queues: []queue{
			{events.StreamRunEvents, "watcher-after", events.RunsOf(events.Ended, "")},
			{events.StreamResults, "watcher-after", events.AllResults},
		},
		get: []string{
			events.StreamDeadLetters, events.StreamFiles, events.StreamRuns, events.StreamTriggers, events.StreamRunEvents,
		},
		leader: []string{events.StreamJobs, events.StreamFiles, events.StreamDrives},
		purge:  map[string][]string{events.StreamFiles: {events.AllAgain, events.AllSeen, events.AllHeld}},
		drop:   []string{events.StreamFiles},
		hear:   []string{events.AllAgain, events.AllHeld},
	},
	Dispatcher: {
		publish: []string{
			events.AllCalled, events.AllDead, events.AllPaused, events.TriggersOf(events.KindCron), events.DoneFiles, events.DoneOthers, events.AllResults, events.AllSeen, events.AllSlots,
			events.StateSubject("retry", "*"),
			events.RunsOf(events.Accepted, ""), events.RunsOf(events.Started, ""), events.RunsOf(events.Ended, ""), events.RunsOf(events.Undelivered, ""),
			events.AllNotifications,
		},
		once:   []string{keyOf("_seal")},
		follow: []string{events.StreamJobs, events.StreamRunEvents},
		queues: []queue{
			{events.StreamTriggers, "dispatch-cron", events.TriggersOf(events.KindCron)},
			{events.StreamTriggers, "dispatch-manual", events.TriggersOf(events.KindManual)},
			{events.StreamTriggers, "dispatch-retry", events.TriggersOf(events.KindRetry)},
			{events.StreamFiles, "file-*", events.AllFiles},
			{events.StreamRunEvents, "notify-webhook", events.RunsOf(events.Ended, "")},
			{events.StreamRunEvents, "notify-email", events.RunsOf(events.Ended, "")},
			{events.StreamDeadLetters, "notify-email-dead", events.AllDead},
			{events.StreamNotifications, "notify-states-webhook", events.AllConditions},
			{events.StreamNotifications, "notify-states-email", events.AllConditions},
			{events.StreamNotifications, "notify-balance", events.NotificationSubject("", events.AboutBalance)},
			{events.StreamRunEvents, "notify-heartbeat", events.RunsOf(events.Ended, "")},
			{events.StreamRunEvents, "notify-ended", events.RunsOf(events.Ended, "")},
			{events.StreamRunEvents, "notify-started", events.RunsOf(events.Started, "")},
			{events.StreamResults, "notify-heartbeat", events.AllResults},
			{events.StreamResults, "notify-results", events.AllResults},
			{events.StreamSlots, "notify-slots", events.AllSlots},
		},
		get: []string{
			events.StreamDeadLetters, events.StreamFiles, events.StreamResults, events.StreamRunEvents,
			events.StreamState, events.StreamSlots, events.StreamNotifications, events.StreamJobs, events.StreamTriggers,
		},
		leader: []string{
			events.StreamJobs, streamTokens, events.StreamRuns, events.StreamRunEvents, events.StreamTriggers, events.StreamNotifications,
		},
		purge: map[string][]string{
			events.StreamFiles: {events.AllFiles, events.DoneFiles}, events.StreamState: {events.StateSubject("retry", "*")},
			events.StreamTriggers: {events.AllCalled, events.AllPaused, events.AllTriggers, events.DoneOthers}, events.StreamNotifications: {events.AllNotifications},
		},
		drop: []string{events.StreamFiles, events.StreamTriggers},
		hear: []string{events.AllFiles},
	},
	Runner: {
		publish: []string{
			events.RunsOf(events.Accepted, ""), events.RunsOf(events.Started, ""), events.RunsOf(events.Cancelling, ""), events.RunsOf(events.Ended, ""),
			events.RunsOf(events.Retrying, ""), events.AllRunKeys, events.AllRunQueue, events.AllPausedRuns, events.AllRunners, events.AllDead,
		},
		follow: []string{streamTokens, events.StreamRunEvents},
		queues: []queue{{events.StreamRuns, "runner-*", events.AllRunQueue}},
		get:    []string{events.StreamRuns, events.StreamFiles, events.StreamDeadLetters},
		leader: []string{events.StreamDrives, events.StreamJobs, streamTokens, events.StreamRuns, events.StreamRunEvents},
		purge:  map[string][]string{events.StreamRuns: {events.AllRunKeys}},
		drop:   []string{events.StreamRuns},
	},
}

// streams lists all streams; everybody may ask what state they are in.
func streams() []string {
	return []string{
		events.StreamJobs, events.StreamTriggers, events.StreamFiles, events.StreamRuns, events.StreamResults,
		events.StreamRunEvents, events.StreamDeadLetters, events.StreamSlots, events.StreamState, events.StreamSubscribers, streamTokens,
		events.StreamNotifications, events.StreamDrives,
	}
}

// writes lists the streams that a role publishes to. It may write a probe into each,
// and take that out again.
func (r rights) writes() []string {
	var all []string
	for _, subject := range slices.Concat(r.publish, r.once) {
		if s := jet.StreamOf(subject); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	slices.Sort(all)
	return all
}

// purged lists the streams out of which a role takes messages by a filter.
func (r rights) purged() []string {
	all := slices.AppendSeq(r.writes(), maps.Keys(r.purge))
	slices.Sort(all)
	return slices.Compact(all)
}

// Needs are the streams without which a role is not ready.
func (r Role) Needs() jet.Needs {
	of := rightsOf[r]
	return jet.Needs{Reads: of.leader, Writes: of.writes()}
}

// gate is one way out of a role's account: what it publishes to, and what that
// becomes in Spool's account.
type gate struct{ local, main string }

// gates are the ways out of a role's account. What could lead an answer, or messages,
// to a subject of the role's choice, or beyond what it may take out, goes to the guard.
func (r rights) gates(role Role) []gate {
	var all []gate
	open := func(subjects ...string) {
		for _, s := range subjects {
			all = append(all, gate{s, s})
		}
	}
	guarded := func(subject string) {
		all = append(all, gate{"$JS.API." + subject, guardSubject + "." + string(role) + "." + subject})
	}
	all = append(all, gate{"$JS.API.INFO", nowhere}) // else the server itself answers for an account without streams
	for _, s := range streams() {
		open("$JS.API.STREAM.INFO." + s)
	}
	open(r.publish...)
	open(r.ask...)
	for _, s := range r.once {
		all = append(all, gate{s, guardSubject + "." + string(role) + ".PUBLISH." + s})
	}
	for _, s := range r.get {
		open("$JS.API.DIRECT.GET." + s)
	}
	for _, s := range r.leader {
		open("$JS.API.STREAM.MSG.GET." + s)
	}
	for _, s := range r.drop {
		open("$JS.API.STREAM.MSG.DELETE." + s)
	}
	for _, s := range r.purged() {
		guarded("STREAM.PURGE." + s)
	}
	for _, s := range r.writes() {
		open(events.ProbeSubject(s))
	}
	for _, s := range r.follow {
		guarded("CONSUMER.CREATE." + s + ".>")
		guarded("CONSUMER.DELETE." + s + ".*")
		open("$JS.API.CONSUMER.INFO."+s+".*", "$JS.API.CONSUMER.MSG.NEXT."+s+".*")
	}
	for _, q := range r.queues {
		at := q.stream + "." + q.token()
		open("$JS.ACK." + at + ".>")
		if !slices.Contains(r.follow, q.stream) { // else it is among the above
			guarded("CONSUMER.CREATE." + at + ".>")
			open("$JS.API.CONSUMER.INFO."+at, "$JS.API.CONSUMER.MSG.NEXT."+at)
		}
	}
	return all
}

// token is what stands for the queue's name in a subject.
func (q queue) token() string {
	if strings.HasSuffix(q.name, "*") {
		return "*"
	}
	return q.name
}
