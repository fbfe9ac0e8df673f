package runner

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"spool.internal/services/runner/denial"
	"spool.internal/services/runner/process"
)

// quoted is how much of what a flow printed last is searched for what it was denied, in bytes.
const quoted = 4 << 10

// denied puts what the sandbox denied a flow that failed before a message.
func (r *Runner) denied(a *attempt, f *process.Flow, message string) string {
	heard := r.audit.Unwatch(a.heard, message != "")
	if message == "" || !r.room.Shut || a.runlog == nil {
		return message
	}
	could := denial.Allowed{
		Places: a.places, Read: slices.Concat(r.room.Run, r.room.Read, r.room.Devices, []string{"/dev/shm", "/tmp"}),
		Hides: r.room.Form.View, Offline: a.offline, Listen: a.listens,
	}
	if !r.room.Form.View {
		could.Read = could.Read[:len(could.Read)-2]
	}
	for _, p := range a.places {
		if !p.Granted {
			could.Own = append(could.Own, p.Path)
		}
	}
	last := a.runlog.LastLines(quoted)
	why := could.Explain(last)
	if why == "" || strings.HasSuffix(why, denial.CannotGrant) {
		why = cmp.Or(a.notConnected(f, last), could.Kernel(heard), why)
	}
	if why == "" {
		return message
	}
	if len(a.run.Profiles) > 0 {
		why += "; the job names " + strings.Join(a.run.Profiles, ", ")
	}
	return why + "; " + message
}

// notConnected says what a flow that is kept to a list could not connect to.
func (a *attempt) notConnected(f *process.Flow, said string) string {
	if a.reach == nil {
		return ""
	}
	var known []denial.Host
	for _, name := range a.reach.names() {
		known = append(known, denial.Host{Name: name, Addrs: a.reach.now[name].addrs})
	}
	return denial.Connection(known, f.Denied, said)
}

// watch begins to note what the kernel denies the flow of an attempt.
func (r *Runner) watch(a *attempt, f *process.Flow) {
	if r.room.Form.Audited {
		a.heard = r.audit.Watch(f.PID)
	}
}

// keepAudit reads the kernel's audit until ctx ends, where there is one.
func (r *Runner) keepAudit(ctx context.Context) {
	if r.room.Form.Audited {
		r.audit.Keep(ctx)
	}
}
