package notify

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
)

// Config of notify.
type Config struct {
	Bus               *jet.Bus
	SealKey           *seal.Key             // opens the headers of webhooks
	WebhookSecretFile string                // what webhooks are signed with; made when absent
	WebhookAllow      []string              // networks, addresses and hosts that are allowed whatever else says
	WebhookDeny       []string              // those that are denied, beside link-local and metadata addresses, and private networks where no administrator set the URL
	SMTPURL           string                // smtp://user:password@host:587?from=…; empty = no e-mail
	SMTPRoots         *x509.CertPool        // who may certify the SMTP server; nil = the system's
	MailOn            MailOn                // default [MailOnEnd]
	MailDomains       events.MailDomains    // that notification_emails may go to; empty = all
	Metrics           prometheus.Registerer // where the figures are shown; nil = nowhere
	Log               *slog.Logger

	// For tests.
	retries retries      // default overHours
	places  int          // for notices that wait; default waiting
	hold    int          // notices of a queue in the hands of this process; default inHand
	dial    func(*guard) // changes how the guard resolves and dials
}

// Notify tells of notices.
type Notify struct {
	bus      *jet.Bus
	channels []*channel
}

// New wires notify. It makes the file of the signing secret, and nothing else before Run.
func New(cfg Config) (*Notify, error) {
	if cfg.MailOn == "" {
		cfg.MailOn = MailOnEnd
	}
	if cfg.retries == nil {
		cfg.retries = overHours
	}
	cfg.places, cfg.hold = cmp.Or(cfg.places, waiting), cmp.Or(cfg.hold, inHand)
	guard, err := newGuard(cfg.WebhookAllow, cfg.WebhookDeny)
	if cfg.MailOn != MailOnEnd && cfg.MailOn != MailOnFailure && cfg.MailOn != MailOnChange {
		err = errors.Join(err, events.Faultf(events.Invalid, "mail-on", "%q is not one of end, failure, change", cfg.MailOn))
	}
	var relay *relay
	if cfg.SMTPURL != "" {
		var fault error
		if relay, fault = parseRelay(cfg.SMTPURL); fault != nil {
			err = errors.Join(err, fault)
		} else {
			relay.roots = cfg.SMTPRoots
		}
	}
	if err != nil {
		return nil, err
	}
	if cfg.dial != nil {
		cfg.dial(guard)
	}
	secrets := secretFile(cfg.WebhookSecretFile)
	if err := secrets.ensure(); err != nil {
		return nil, err
	}
	n := &Notify{bus: cfg.Bus}
	figures := newFigures()
	if err := figures.register(cfg.Metrics); err != nil {
		return nil, err
	}
	add := func(name, queue, stream, filter string, read func(*jet.Delivery) (notice, error), s sender) {
		n.channels = append(n.channels, &channel{
			name: name, read: read, sender: s, hold: cfg.hold, retries: cfg.retries, bus: cfg.Bus, log: cfg.Log.With("channel", name),
			queue: jet.Queue{Stream: stream, Name: queue, Filter: filter, Pending: cfg.places, Idle: forget, FromNow: true},
			meter: figures.of(name, queue), lanes: lanes{all: map[string]*lane{}},
		})
	}
	ended := events.RunsOf(events.Ended, "")
	var unwired func()
	if relay == nil {
		unwired = sync.OnceFunc(func() { cfg.Log.Warn("jobs ask for e-mail, and there is no server for it: give --smtp-url") })
	}
	add("webhook", "notify-webhook", events.StreamRunEvents, ended, readRun, newWebhook(cfg.SealKey, secrets, guard, unwired))
	if relay != nil {
		mail := newEmail(relay, cfg.MailOn, cfg.MailDomains, cfg.Bus)
		add("email", "notify-email", events.StreamRunEvents, ended, readRun, mail)
		add("email", "notify-email-dead", events.StreamDeadLetters, events.AllDead, readDead, mail)
	}
	return n, nil
}

// Subscribe makes the consumers. What happens from then on is told, whenever Run
// comes to it; what happened before the very first Subscribe is not.
func (n *Notify) Subscribe(ctx context.Context) error {
	for _, c := range n.channels {
		if err := n.bus.Open(ctx, c.queue); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	return nil
}

// Run delivers notices until ctx ends.
func (n *Notify) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, c := range n.channels {
		wg.Go(func() { c.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Check reports why notices are not delivered now, or nil.
func (n *Notify) Check() error { return n.bus.Check() }
