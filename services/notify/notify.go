package notify

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/metrics"
)

// Notify delivers notifications.
type Notify struct {
	bus      *jet.Bus
	observer *observer
	channels []*channel
}

// New wires notify. It creates the file of the signing secret, and does nothing else before Run.
func New(cfg Config) (*Notify, error) {
	cfg = cfg.withDefaults()
	if err := cfg.CheckSettings(); err != nil {
		return nil, err
	}
	guard, err := newGuard(cfg.WebhookAllow, cfg.WebhookDeny)
	if err != nil {
		return nil, err
	}
	if cfg.dial != nil {
		cfg.dial(guard)
	}
	daily, err := cfg.daily()
	if err != nil {
		return nil, err
	}
	var mail *email
	if cfg.SMTPURL != "" {
		relay, err := parseRelay(cfg.SMTPURL)
		if err != nil {
			return nil, err
		}
		relay.roots = cfg.SMTPRoots
		mail = newEmail(relay, cfg.MailOn, cfg.MailDomains, cfg.Bus)
	}
	secrets := secretFile(cfg.WebhookSecretFile)
	if err := secrets.ensure(); err != nil {
		return nil, err
	}
	f := newFigures()
	if err := metrics.Register[prometheus.Collector](cfg.Metrics, "notify", f.deliveries, f.waiting); err != nil {
		return nil, err
	}
	hook := newWebhook(cfg.Bus, cfg.SealKey, secrets, guard)
	if mail == nil {
		hook.noMail = sync.OnceFunc(func() {
			cfg.Log.Warn("jobs ask for e-mail, and there is no server for it: give --smtp-url")
		})
	}
	n := &Notify{bus: cfg.Bus, observer: newObserver(cfg, daily), channels: cfg.channels(hook, mail, daily, f)}
	for _, c := range n.channels {
		c.silent = n.observer.silent
	}
	return n, nil
}

// heartbeatRetries is how often a heartbeat is retried: a late one is of no use.
const heartbeatRetries = 3

// reading is a consumer and how its messages are read.
type reading struct {
	queue jet.Queue
	read  func(*jet.Delivery) (notification, error)
	width int  // notifications of one job at a time
	asked bool // somebody waits for each: none is left out, however long nobody read the queue
}

// channels returns the channels that the config asks for. mail and daily may be nil.
func (c Config) channels(hook *webhook, mail *email, daily *daily, f *figures) (all []*channel) {
	add := func(name events.Channel, r reading, s sender) *channel {
		all = append(all, c.channel(name, r, s, f))
		return all[len(all)-1]
	}
	runs := func(queue string) reading {
		return reading{c.Bus.Runs(events.Ended, "").Queue(queue, c.places), readRun, maxPerJob, false}
	}
	states := func(queue string, v jet.View[events.Notification]) reading {
		return reading{v.Queue(queue, c.places), readState, 1, false}
	}
	again := func(name events.Channel) reading {
		return reading{c.Bus.NoticesAgain(name).Queue("notify-again-"+string(name), c.places), readAgain, maxPerJob, true}
	}
	if !c.Foreign {
		add(events.ChannelWebhook, runs("notify-webhook"), hook)
		add(events.ChannelWebhook, again(events.ChannelWebhook), hook)
	}
	add(events.ChannelWebhook, states("notify-states-webhook", c.Bus.AllNotifications()), stateHook{hook})
	ends := runs("notify-heartbeat")
	if !c.endsKnown() {
		ends = reading{c.Bus.Results("").Queue("notify-heartbeat", c.places), readResult, maxPerJob, false}
	}
	beat := add(events.ChannelHeartbeat, ends, heartbeat{hook})
	beat.foreign, beat.retries = true, c.retries[:min(heartbeatRetries, len(c.retries))]
	if mail == nil {
		return all
	}
	if !c.Foreign {
		add(events.ChannelEmail, runs("notify-email"), mail)
		add(events.ChannelEmail, again(events.ChannelEmail), mail)
		add(events.ChannelEmail, reading{c.Bus.DeadLetters("").Queue("notify-email-dead", c.places), readDead, maxPerJob, false}, mail)
	}
	add(events.ChannelEmail, states("notify-states-email", c.Bus.AllNotifications()), stateMail{mail})
	if daily != nil {
		add(events.ChannelEmail, states("notify-balance", c.Bus.Notifications("", events.AboutBalance)), balanceMail{mail, daily}).jobless = true
	}
	return all
}

// channel returns one channel.
func (c Config) channel(name events.Channel, r reading, s sender, f *figures) *channel {
	r.queue.Idle, r.queue.FromNow = forget, !r.asked
	return &channel{
		name: name, read: r.read, sender: s, hold: c.hold, retries: c.retries, bus: c.Bus, log: c.Log.With("channel", string(name)),
		queue:  r.queue,
		meter:  f.of(name, r.queue.Name),
		perJob: semaphores{width: r.width, all: map[string]*semaphore{}},
	}
}

// Subscribe makes the consumers. What happens from then on leads to notifications, whenever Run comes to it; what
// happened before the very first Subscribe does not.
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

// Run delivers notifications until ctx ends.
func (n *Notify) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { n.observer.run(ctx) })
	for _, c := range n.channels {
		wg.Go(func() { c.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Waiting is what waits to be told, as the broker counted it a few seconds ago.
func (n *Notify) Waiting() (all events.NoticesState) {
	for _, c := range n.channels {
		if waits := int(c.waits.Load()); c.name == events.ChannelEmail {
			all.Mails += waits
		} else {
			all.Webhooks += waits
		}
	}
	return all
}

// Check returns why notifications are not delivered now, or nil.
func (n *Notify) Check() error { return n.bus.Check() }
