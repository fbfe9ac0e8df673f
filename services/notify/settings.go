package notify

import (
	"errors"
	"os"

	"spool.internal/events"
)

// CheckSettings reports all that is wrong with what a person has set.
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
