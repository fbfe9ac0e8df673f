package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"spool.internal/events"
	"spool.internal/events/scrub"
)

// stateHook posts changes of a job's state to the URL in its notify.to.
type stateHook struct{ *webhook }

func (s stateHook) wants(n notification, p *events.Parameters) bool {
	if len(p.Options.Notify.Mail) > 0 && s.noMail != nil {
		s.noMail()
	}
	return asksFor(n, p) && p.Options.Notify.Webhook != ""
}

// asksFor reports whether a job asks for notifications of a state at all.
func asksFor(n notification, p *events.Parameters) bool {
	return n.state != nil && slices.Contains(p.Options.Notify.On, n.state.State)
}

func (s stateHook) notify(ctx context.Context, n notification, job *events.Job) error {
	p, err := job.Reveal(s.key.Open)
	if err != nil {
		return final{fmt.Errorf("the secrets of the job cannot be opened: %w", err)}
	}
	body, header, err := newMessage(*n.state, job, tagsOf(p)).body(p.Options.Notify.Format)
	if err != nil {
		return final{err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Options.Notify.Webhook, bytes.NewReader(body))
	if err != nil {
		return final{errors.New("the URL of notify.to.webhook cannot be read")}
	}
	req.Header = header
	if err := s.sign(req, n, body); err != nil {
		return err
	}
	return s.post(ctx, req, job, events.NotifyURLPointer, scrub.NewForJob(p))
}

// heartbeat calls the URL of a job after each run that ended OK: a monitor that misses it knows that something is
// wrong, whatever it is.
type heartbeat struct{ *webhook }

func (h heartbeat) wants(n notification, p *events.Parameters) bool {
	return p.Options.Heartbeat != "" && n.status() == events.OK
}

func (h heartbeat) notify(ctx context.Context, _ notification, job *events.Job) error {
	p, err := job.Reveal(h.key.Open)
	if err != nil {
		return final{fmt.Errorf("the secrets of the job cannot be opened: %w", err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Options.Heartbeat, nil)
	if err != nil {
		return final{errors.New("the heartbeat's URL cannot be read")}
	}
	req.Header.Set("User-Agent", "spool")
	return h.post(ctx, req, job, events.HeartbeatPointer, scrub.NewForJob(p))
}
