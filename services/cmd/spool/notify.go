package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
	"spool.internal/gateway/v2/balance"
	"spool.internal/services/dispatcher"
	"spool.internal/services/notify"
)

// notifyOptions are the flags about telling how runs ended.
type notifyOptions struct {
	secretFile  string
	allow, deny []string
	smtpURL     string
	smtpURLFile string
	mailOn      string
	balanceTo   []string
	balanceAt   string
}

func (o *notifyOptions) flags(f *pflag.FlagSet, _ bool) {
	f.StringVar(&o.secretFile, "webhook-secret-file", "", "secrets that webhooks are signed with, one a line; made when absent (default DATA/webhook.secret)")
	f.StringSliceVar(&o.allow, "webhook-allow", nil, "networks, addresses or hosts (.example.com: all below it) that webhooks may call whatever else says")
	f.StringSliceVar(&o.deny, "webhook-deny", nil, "the same that they may not call, beside link-local and metadata addresses, and private ones where no administrator set the URL")
	f.StringVar(&o.smtpURL, "smtp-url", "", "server for e-mail: smtp://user:password@host:587?from=spool@example.com (smtps:// for TLS from the start); better given as a file or in the environment")
	f.StringVar(&o.smtpURLFile, "smtp-url-file", "", "file that holds the --smtp-url")
	f.StringSliceVar(&o.balanceTo, "balance-to", nil, "e-mail addresses that are told each day what became of every slot and file of the day before")
	f.StringVar(&o.balanceAt, "balance-at", notify.BalanceAt, "when, in the zone of --timezone")
	f.StringVar(&o.mailOn, "mail-on", "end", "what notification_emails hear of: end (of every run), failure, change (first failure after success, first success after failure)")
}

// config has what a person has set.
func (o *notifyOptions) config(data string) (notify.Config, error) {
	file := o.secretFile
	if file == "" {
		file = filepath.Join(data, "webhook.secret")
	}
	smtp, err := o.smtp()
	return notify.Config{
		WebhookSecretFile: file, WebhookAllow: o.allow, WebhookDeny: o.deny, SMTPURL: smtp, MailOn: notify.MailOn(o.mailOn),
		BalanceTo: o.balanceTo, BalanceAt: o.balanceAt,
	}, err
}

func (o *notifyOptions) check(s *settings) error {
	cfg, err := o.config(s.common.data)
	return errors.Join(err, cfg.CheckSettings())
}

// startNotify starts what sends notifications of runs that ended and of jobs whose state
// changed. It goes before the dispatcher: what happens from here on is noted.
func (in *instance) startNotify(ctx context.Context, bus *jet.Bus, key *seal.Key, to dispatcher.Config) error {
	cfg, err := in.set.notify.config(in.set.common.data)
	if err != nil {
		return err
	}
	cfg.Bus, cfg.SealKey, cfg.Metrics, cfg.Log = bus, key, in.Metrics, in.log("notify")
	cfg.MailDomains, cfg.Foreign, cfg.Tracked, cfg.Zone = in.set.domains.MailDomains, to.Secret == "", to.TrackRuns, to.Zone
	cfg.Balance = func(ctx context.Context, day string) (subject, text string, err error) {
		return balance.Books{Bus: bus, Zone: to.Zone}.Letter(ctx, day, time.Now())
	}
	n, err := notify.New(cfg)
	if err != nil {
		return err
	}
	if err := n.Subscribe(ctx); err != nil {
		return err
	}
	in.add("notify", n)
	return nil
}

func (o *notifyOptions) smtp() (string, error) {
	if o.smtpURLFile == "" {
		return o.smtpURL, nil
	}
	if o.smtpURL != "" {
		return "", events.Faultf(events.Invalid, "smtp-url-file", "is given beside --smtp-url: one of them is right")
	}
	text, err := os.ReadFile(o.smtpURLFile)
	if err != nil {
		return "", fmt.Errorf("smtp-url-file: %w", err)
	}
	url := strings.TrimSpace(string(text))
	if url == "" {
		return "", events.Faultf(events.Invalid, "smtp-url-file", "%s is empty: put the URL of the mail server into it, or leave out --smtp-url-file to send no e-mails", o.smtpURLFile)
	}
	return url, nil
}
