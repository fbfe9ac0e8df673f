package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	gomail "github.com/wneessen/go-mail"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/scrub"
)

// MailOn selects the runs that e-mail is sent about. A dead letter is a failure.
type MailOn string

const (
	MailOnEnd     MailOn = "end"     // every end of a run, and every dead letter
	MailOnFailure MailOn = "failure" // every run that ended ERROR, and every dead letter
	MailOnChange  MailOn = "change"  // the first failure after success, and the first success after failure
)

// sessions is how many SMTP sessions run at once.
const sessions = 4

// email sends to each address of a job on its own, so that one that is refused does not keep the others from theirs.
type email struct {
	relay   *relay
	on      MailOn
	domains events.MailDomains // that mail may go to; empty = all
	secrets *scrub.Scrubber    // takes the relay's password out of its answers
	bus     *jet.Bus
	slots   chan struct{}

	mu sync.Mutex
	// settled holds, by notification and address, those that need no further attempt: nil = accepted, else why it never
	// will be. It is lost with the process; then an address may get the same message a second time.
	settled map[string]map[string]error
}

func newEmail(r *relay, on MailOn, domains events.MailDomains, bus *jet.Bus) *email {
	return &email{
		relay: r, on: on, domains: domains, secrets: scrub.New(r.password), bus: bus,
		slots: make(chan struct{}, sessions), settled: map[string]map[string]error{},
	}
}

func (e *email) wants(n notification, p *events.Parameters) bool {
	return len(p.Emails) > 0 && (e.on != MailOnFailure || n.status() == events.ERROR)
}

func (e *email) forget(n notification) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.settled, n.id)
}

// done notes that an address needs no further attempt.
func (e *email) done(n notification, to string, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.settled[n.id] == nil {
		e.settled[n.id] = map[string]error{}
	}
	e.settled[n.id][to] = why
}

// left returns the addresses that still need an attempt, and why others will never get the letter.
func (e *email) left(n notification, addresses []string) (left []string, refused error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, to := range slices.Compact(slices.Sorted(slices.Values(addresses))) {
		why, settled := e.settled[n.id][to]
		if !settled {
			left = append(left, to)
		}
		refused = errors.Join(refused, why)
	}
	return left, refused
}

func (e *email) notify(ctx context.Context, n notification, job *events.Job) error {
	p, err := events.ParseParameters(job.Parameters)
	if err != nil {
		return final{err}
	}
	l := letter{n: n, job: job.Name}
	if n.status() == events.ERROR || e.on == MailOnChange {
		if l.change, err = e.changed(ctx, n); err != nil {
			return err
		}
		if e.on == MailOnChange && !l.change {
			return nil
		}
	}
	return e.deliver(ctx, l, p.Emails)
}

// deliver sends a letter to the addresses that do not have it yet.
func (e *email) deliver(ctx context.Context, l letter, addresses []string) error {
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	to, _ := e.left(l.n, addresses)
	passing := e.send(ctx, l, to)
	if passing != nil {
		return passing
	}
	if _, refused := e.left(l.n, addresses); refused != nil {
		return final{refused}
	}
	return nil
}

// answered makes an error from an answer of the relay, without its password.
func (e *email) answered(format string, args ...any) error {
	return errors.New(e.secrets.Text(fmt.Sprintf(format, args...)))
}

// send sends a letter to each address. Its error is about those that are worth a retry.
func (e *email) send(ctx context.Context, l letter, to []string) error {
	var messages []*gomail.Msg
	var addressees []string
	for _, a := range to {
		if !e.domains.Allows(a) { // the job may be older than the list
			e.done(l.n, a, fmt.Errorf("e-mail to %s: is outside the domains that e-mail may go to", a))
			continue
		}
		m, err := l.message(e.relay.from, a)
		if err != nil {
			e.done(l.n, a, fmt.Errorf("e-mail to %s: is not an address that can be written to", a))
			continue
		}
		messages, addressees = append(messages, m), append(addressees, a)
	}
	if len(messages) == 0 {
		return nil
	}
	session := e.relay.send(ctx, messages)
	var passing error
	for i, m := range messages {
		fault, _ := errors.AsType[*gomail.SendError](m.SendError())
		switch {
		case m.IsDelivered():
			e.done(l.n, addressees[i], nil)
		case fault == nil: // the session ended before this message
			passing = errors.Join(passing, e.answered("e-mail to %s through %s: %s", addressees[i], e.relay.host, session))
		case fault.ErrorCode() >= 500 && fault.Reason != gomail.ErrSMTPMailFrom:
			e.done(l.n, addressees[i], e.answered("e-mail to %s: refused: %s", addressees[i], fault))
		default: // also if the sender is refused: the operator can mend that
			passing = errors.Join(passing, e.answered("e-mail to %s: %s", addressees[i], fault))
		}
	}
	return passing
}
