package notify

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
)

// Config of notify.
type Config struct {
	Bus               *jet.Bus
	SealKey           *seal.Key             // opens the headers of webhooks
	WebhookSecretFile string                // secrets that webhooks are signed with; created when absent
	WebhookAllow      []string              // networks, addresses and hosts that are allowed in any case
	WebhookDeny       []string              // those that are denied, beside the ones that always are
	SMTPURL           string                // smtp://user:password@host:587?from=…; empty = no e-mail
	SMTPRoots         *x509.CertPool        // certificate authorities of the SMTP server; nil = the system's
	MailOn            MailOn                // default [MailOnEnd]
	MailDomains       events.MailDomains    // that notification_emails may go to; empty = all
	Foreign           bool                  // another endpoint performs the runs, and notifies about their ends itself
	Tracked           bool                  // with Foreign: run events report how its runs end
	Zone              *time.Location        // of jobs that name none; nil = UTC
	BalanceTo         []string              // addresses that get the balance of each day; empty = nobody
	BalanceAt         string                // when, on the day after, as 06:00 in Zone; default [BalanceAt]
	Metrics           prometheus.Registerer // nil = no metrics

	// Balance writes the balance of a day of all jobs; required with BalanceTo.
	Balance func(ctx context.Context, day string) (subject, text string, err error)

	Log *slog.Logger

	// For tests.
	retries retries      // default overHours
	places  int          // unacked notifications of a queue; default waiting
	hold    int          // those of them in this process; default inHand
	dial    func(*guard) // changes how the guard resolves and dials
}

func (c Config) withDefaults() Config {
	c.MailOn = cmp.Or(c.MailOn, MailOnEnd)
	c.places, c.hold = cmp.Or(c.places, waiting), cmp.Or(c.hold, inHand)
	if c.retries == nil {
		c.retries = overHours
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return c
}

// endsKnown reports whether run events report how runs end. Else the result of a call is all that is known.
func (c Config) endsKnown() bool { return !c.Foreign || c.Tracked }

// CheckSettings reports every fault of the settings that come from flags.
func (c Config) CheckSettings() error {
	_, guards := newGuard(c.WebhookAllow, c.WebhookDeny)
	errs := []error{guards}
	switch c.MailOn {
	case "", MailOnEnd, MailOnFailure, MailOnChange:
	default:
		errs = append(errs, events.Faultf(events.Invalid, "mail-on", "%q is not one of end, failure, change", c.MailOn))
	}
	if c.SMTPURL != "" {
		_, err := parseRelay(c.SMTPURL)
		errs = append(errs, err)
	}
	_, err := c.daily()
	errs = append(errs, err)
	if _, err := os.Stat(c.WebhookSecretFile); err == nil {
		_, err = secretFile(c.WebhookSecretFile).read()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
