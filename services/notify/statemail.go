package notify

import (
	"context"

	"spool.internal/events"
)

// stateMail sends changes of a job's state to the addresses in its notify.to.
type stateMail struct{ *email }

func (s stateMail) wants(n notification, p *events.Parameters) bool {
	return asksFor(n, p) && len(p.Options.Notify.Mail) > 0
}

func (s stateMail) notify(ctx context.Context, n notification, job *events.Job) error {
	p, err := events.ParseParameters(job.Parameters)
	if err != nil {
		return final{err}
	}
	m := newMessage(*n.state, job, tagsOf(p))
	return s.deliver(ctx, letter{n: n, job: job.Name, state: &m}, p.Options.Notify.Mail)
}
