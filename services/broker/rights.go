package broker

import (
	"maps"
	"slices"
	"strings"

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

// rights are what one role does on NATS, and nothing else does it.
type rights struct{ jet.Rights }

func rightsOf(r Role) rights { return rights{jet.RightsOf(string(r))} }

// writes lists the streams that a role publishes to. It may write a probe into each,
// and take that out again.
func (r rights) writes() []string {
	var all []string
	for _, subject := range slices.Concat(r.Publish, r.Once) {
		if s := jet.StreamOf(subject); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	slices.Sort(all)
	return all
}

// purged lists the streams out of which a role takes messages by a filter.
func (r rights) purged() []string {
	all := slices.AppendSeq(r.writes(), maps.Keys(r.Purge))
	slices.Sort(all)
	return slices.Compact(all)
}

// Needs are the streams without which a role is not ready.
func (r Role) Needs() jet.Needs {
	of := rightsOf(r)
	return jet.Needs{Reads: of.Leader, Writes: of.writes()}
}

// gate is one way out of a role's account: what it publishes to, and what that
// becomes in Spool's account, or in that of the role that answers.
type gate struct {
	local, main string
	of          Role // empty: Spool's account
}

// gates are the ways out of a role's account. What could lead an answer, or messages,
// to a subject of the role's choice, or beyond what it may take out, goes to the guard.
func (r rights) gates(role Role) []gate {
	var all []gate
	open := func(subjects ...string) {
		for _, s := range subjects {
			all = append(all, gate{local: s, main: s})
		}
	}
	guarded := func(subject string) {
		all = append(all, gate{local: "$JS.API." + subject, main: guardSubject + "." + string(role) + "." + subject})
	}
	all = append(all, gate{local: "$JS.API.INFO", main: nowhere}) // else the server itself answers for an account without streams
	for _, s := range jet.Streams() {
		open("$JS.API.STREAM.INFO." + s)
	}
	open(r.Publish...)
	open(r.Ask...)
	for other, subjects := range r.AskOf {
		for _, s := range subjects {
			all = append(all, gate{local: s, main: s, of: Role(other)})
		}
	}
	for _, s := range r.Once {
		all = append(all, gate{local: s, main: guardSubject + "." + string(role) + ".PUBLISH." + s})
	}
	for _, s := range r.Get {
		open("$JS.API.DIRECT.GET." + s)
	}
	for _, s := range r.Leaders() {
		open("$JS.API.STREAM.MSG.GET." + s)
	}
	for _, s := range r.Drop {
		open("$JS.API.STREAM.MSG.DELETE." + s)
	}
	for _, s := range r.purged() {
		guarded("STREAM.PURGE." + s)
	}
	for _, s := range r.writes() {
		open(jet.Probe(s))
	}
	for _, s := range r.Follow {
		guarded("CONSUMER.CREATE." + s + ".>")
		guarded("CONSUMER.DELETE." + s + ".*")
		open("$JS.API.CONSUMER.INFO."+s+".*", "$JS.API.CONSUMER.MSG.NEXT."+s+".*")
	}
	for _, q := range r.Queues {
		at := q.Stream + "." + tokenOf(q)
		open("$JS.ACK." + at + ".>")
		if !slices.Contains(r.Follow, q.Stream) { // else it is among the above
			guarded("CONSUMER.CREATE." + at + ".>")
			open("$JS.API.CONSUMER.INFO."+at, "$JS.API.CONSUMER.MSG.NEXT."+at)
		}
		open("$JS.API.CONSUMER.LEADER.STEPDOWN." + at)
		if q.Stream == jet.FilesStream { // whose consumers have one copy: see [jet.Queue]
			guarded("CONSUMER.DELETE." + at)
		}
	}
	return all
}

// token is what stands for the queue's name in a subject.
func tokenOf(q jet.RightsQueue) string {
	if strings.HasSuffix(q.Name, "*") {
		return "*"
	}
	return q.Name
}
