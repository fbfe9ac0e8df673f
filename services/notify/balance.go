package notify

import (
	"cmp"
	"context"
	"net/mail"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// daily is when the balance of the day before is sent, and to whom.
type daily struct {
	to   []string
	at   time.Time // its hour and minute
	zone *time.Location
	read func(ctx context.Context, day string) (subject, text string, err error)
}

// BalanceAt is the default of [Config.BalanceAt].
const BalanceAt = "06:00"

// daily reads the settings of the balance; nil = nobody gets one.
func (cfg Config) daily() (*daily, error) {
	if len(cfg.BalanceTo) == 0 {
		return nil, nil
	}
	if cfg.SMTPURL == "" {
		return nil, events.Faultf(events.Invalid, "balance-to", "needs a server for e-mail: give --smtp-url")
	}
	for _, to := range cfg.BalanceTo {
		if a, err := mail.ParseAddress(to); err != nil || a.Address != to {
			return nil, events.Faultf(events.Invalid, "balance-to", "%q is not an e-mail address", to)
		}
	}
	if err := cfg.MailDomains.Check("balance-to", cfg.BalanceTo); err != nil {
		return nil, err
	}
	at, err := time.Parse("15:04", cmp.Or(cfg.BalanceAt, BalanceAt))
	if err != nil {
		return nil, events.Faultf(events.Invalid, "balance-at", "%q is not a time of day like %s", cfg.BalanceAt, BalanceAt)
	}
	return &daily{to: cfg.BalanceTo, at: at, zone: cfg.Zone, read: cfg.Balance}, nil
}

// due returns the day whose balance is due; "" = none is due yet today.
func (d *daily) due(now time.Time) string {
	now = now.In(d.zone)
	y, m, day := now.Date()
	if now.Before(time.Date(y, m, day, d.at.Hour(), d.at.Minute(), 0, 0, d.zone)) {
		return ""
	}
	return time.Date(y, m, day-1, 12, 0, 0, 0, d.zone).Format(time.DateOnly)
}

// ask has the balance that is due sent, once: of all processes, the one whose commit succeeds asks for it.
func (d *daily) ask(ctx context.Context, s states, now time.Time) error {
	day := d.due(now)
	if day == "" {
		return nil
	}
	last, seq, err := s.Condition(ctx, "", events.AboutBalance)
	if err != nil || string(last.State) >= day {
		return err
	}
	err = s.PutCondition(ctx, events.Notification{About: events.AboutBalance, State: events.Condition(day), At: now.UTC()}, seq)
	if jet.IsConflict(err) {
		return nil // another process was first
	}
	return err
}

// balanceMail sends the balance of a day.
type balanceMail struct {
	*email
	daily *daily
}

func (b balanceMail) wants(notification, *events.Parameters) bool { return true }

func (b balanceMail) notify(ctx context.Context, n notification, _ *events.Job) error {
	subject, text, err := b.daily.read(ctx, string(n.state.State))
	if err != nil {
		return err
	}
	return b.deliver(ctx, letter{n: n, balance: &report{subject, text}}, b.daily.to)
}

// report is the text of a letter that [Config.Balance] wrote.
type report struct{ subject, text string }
