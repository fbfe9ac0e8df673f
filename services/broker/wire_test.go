package broker

import (
	"spool.internal/events"
)

// The names on the wire, spelled once more: these tests are the stranger who tries every
// one of them with credentials that are not for it.
const (
	streamJobs        = "JOBS"
	streamTriggers    = "TRIGGERS"
	streamFiles       = "FILES"
	streamResults     = "RESULTS"
	streamRunEvents   = "RUN_EVENTS"
	streamSlots       = "SLOTS"
	streamSubscribers = "SUBSCRIBERS"
	clockSubject      = "spool.clock"
	allAgain          = "spool.again.>"
	allBacklogs       = "spool.backlog.>"
	allFiles          = "spool.file.>"
	askSubscriber     = "spool.api.subscriber.create"
	revokeSubscriber  = "spool.api.subscriber.revoke"
	askTriggers       = "spool.api.trigger.*"
)

func jobSubject(id string) string                    { return "spool.job." + id }
func triggerSubject(k events.Kind, id string) string { return "spool.trigger." + string(k) + "." + id }

func fileSubject(id, fingerprint string) string { return "spool.file." + id + "." + fingerprint }
func deadSubject(id string) string              { return "spool.dead." + id }
func resultSubject(id string) string            { return "spool.result." + id }
func slotSubject(id string) string              { return "spool.slot." + id }
func stateSubject(part, id string) string       { return "spool.state." + part + "." + id }
func runQueueSubject(pool, run string) string   { return "spool.runqueue." + pool + "." + run }

func runSubject(p events.Phase, id, run string) string {
	return "spool.run." + string(p) + "." + id + "." + run
}
func runsOf(p events.Phase, _ string) string { return "spool.run." + string(p) + ".>" }
func subscriberSubject(name string) string   { return "spool.subscriber." + name }
