package notify

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/metrics"
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
	Foreign           bool                  // another endpoint performs the runs, and tells webhooks and notification_emails itself
	Tracked           bool                  // with Foreign: run events say how its runs end
	Zone              *time.Location        // of jobs that name none; nil = UTC
	BalanceTo         []string              // addresses that the balance of each day is written to; empty = nobody
	BalanceAt         string                // when, on the day after, as 06:00 in Zone; default [BalanceAt]
	Metrics           prometheus.Registerer // where the figures are shown; nil = nowhere

	// Balance writes the balance of a day of all jobs; required with BalanceTo.
	Balance func(ctx context.Context, day string) (subject, text string, err error)

	Log *slog.Logger

	// For tests.
	retries retries      // default overHours
	places  int          // for notices that wait; default waiting
	hold    int          // notices of a queue in the hands of this process; default inHand
	dial    func(*guard) // changes how the guard resolves and dials
}

// Notify tells of notices.
type Notify struct {
	bus      *jet.Bus
	observer *observer
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
	if err := cfg.CheckSettings(); err != nil {
		return nil, err
	}
	cfg.places, cfg.hold = cmp.Or(cfg.places, waiting), cmp.Or(cfg.hold, inHand)
	guard, err := newGuard(cfg.WebhookAllow, cfg.WebhookDeny)
	if err != nil {
		return nil, err
	}
	var relay *relay
	if cfg.SMTPURL != "" {
		if relay, err = parseRelay(cfg.SMTPURL); err != nil {
			return nil, err
		}
		relay.roots = cfg.SMTPRoots
	}
	daily, err := cfg.daily()
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
	n := &Notify{bus: cfg.Bus, observer: newObserver(cfg)}
	n.observer.daily = daily
	figures := newFigures()
	if err := metrics.Register[prometheus.Collector](cfg.Metrics, "notify", figures.deliveries, figures.waiting); err != nil {
		return nil, err
	}
	add := func(name, queue, stream, filter string, read func(*jet.Delivery) (notification, error), s sender) *channel {
		width := maxPerJob
		if stream == events.StreamNotifications {
			width = 1
		}
		n.channels = append(n.channels, &channel{
			name: name, read: read, sender: s, hold: cfg.hold, retries: cfg.retries, bus: cfg.Bus, log: cfg.Log.With("channel", name),
			queue: jet.Queue{Stream: stream, Name: queue, Filter: filter, Pending: cfg.places, Idle: forget, FromNow: true},
			meter: figures.of(name, queue), perJob: semaphores{width: width, all: map[string]*semaphore{}},
		})
		return n.channels[len(n.channels)-1]
	}
	ended := events.RunsOf(events.Ended, "")
	var unwired func()
	if relay == nil {
		unwired = sync.OnceFunc(func() { cfg.Log.Warn("jobs ask for e-mail, and there is no server for it: give --smtp-url") })
	}
	hook := newWebhook(cfg.Bus, cfg.SealKey, secrets, guard, unwired)
	if !cfg.Foreign {
		add("webhook", "notify-webhook", events.StreamRunEvents, ended, readRun, hook)
	}
	add("webhook", "notify-states-webhook", events.StreamNotifications, events.AllConditions, readState, stateHook{hook})
	beat := add("heartbeat", "notify-heartbeat", events.StreamRunEvents, ended, readRun, heartbeat{hook})
	beat.foreign, beat.retries = true, beat.retries[:min(soon, len(beat.retries))]
	if !n.observer.ends {
		beat.queue.Stream, beat.queue.Filter, beat.read = events.StreamResults, events.AllResults, readResult
	}
	if relay != nil {
		mail := newEmail(relay, cfg.MailOn, cfg.MailDomains, cfg.Bus)
		if !cfg.Foreign {
			add("email", "notify-email", events.StreamRunEvents, ended, readRun, mail)
			add("email", "notify-email-dead", events.StreamDeadLetters, events.AllDead, readDead, mail)
		}
		add("email", "notify-states-email", events.StreamNotifications, events.AllConditions, readState, stateMail{mail})
		if daily != nil {
			about := events.NotificationSubject("", events.AboutBalance)
			add("email", "notify-balance", events.StreamNotifications, about, readState, balanceMail{mail, daily}).jobless = true
		}
	}
	return n, nil
}

// soon is how often a heartbeat is tried again: an old one is worth nothing.
const soon = 3

// Subscribe makes the consumers. What happens from then on is told, whenever Run
// comes to it; what happened before the very first Subscribe is not.
func (n *Notify) Subscribe(ctx context.Context) error {
	for _, c := range n.channels {
		if err := n.bus.Open(ctx, c.queue); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	if err := n.observer.subscribe(ctx); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// Run delivers notices until ctx ends.
func (n *Notify) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { n.observer.run(ctx) })
	for _, c := range n.channels {
		wg.Go(func() { c.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Check reports why notices are not delivered now, or nil.
func (n *Notify) Check() error { return n.bus.Check() }
