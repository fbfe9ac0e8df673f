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
	"spool.internal/services/broker/cluster"
	"spool.internal/services/dispatcher"
	"spool.internal/services/notify"
)

// notifyOptions are the flags of notifications.
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
	f.StringVar(&o.secretFile, "webhook-secret-file", "", "file with the secrets that sign webhooks, one per line; created when absent (default DATA/webhook.secret)")
	f.StringSliceVar(&o.allow, "webhook-allow", nil, "networks, addresses or hosts (.example.com: all below it) that webhooks may always call")
	f.StringSliceVar(&o.deny, "webhook-deny", nil, "networks, addresses or hosts that webhooks may not call, besides link-local and metadata addresses, and private ones unless an administrator set the URL")
	f.StringVar(&o.smtpURL, "smtp-url", "", "server for e-mail: smtp://user:password@host:587?from=spool@example.com (smtps:// for TLS from the start); better given in a file or in the environment")
	f.StringVar(&o.smtpURLFile, "smtp-url-file", "", "file that contains the --smtp-url")
	f.StringSliceVar(&o.balanceTo, "balance-to", nil, "e-mail addresses that get a balance each day: what became of every slot and file of the day before")
	f.StringVar(&o.balanceAt, "balance-at", notify.BalanceAt, "time of day at which the balance is sent, in the zone of --timezone")
	f.StringVar(&o.mailOn, "mail-on", "end", "which runs are reported to notification_emails: end (every run), failure, or change (the first failure after a success, the first success after a failure)")
}

// config returns the settings of these flags.
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

// startNotify starts the sender of notifications. It starts before the dispatcher, so that
// it subscribes before anything runs.
func (in *instance) startNotify(ctx context.Context, bus *jet.Bus, key *seal.Key, to dispatcher.Config) error {
	cfg, err := in.set.notify.config(in.set.common.data)
	if err != nil {
		return err
	}
	if in.bundle != nil && in.set.notify.secretFile == "" {
		cfg.WebhookSecretFile = in.bundle.Path(cluster.WebhookSecret)
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
	in.waiting = n.Waiting
	in.add("notify", n)
	in.present("notify", bus)
	return nil
}

func (o *notifyOptions) smtp() (string, error) {
	if o.smtpURLFile == "" {
		return o.smtpURL, nil
	}
	if o.smtpURL != "" {
		return "", events.Faultf(events.Invalid, "smtp-url-file", "is given together with --smtp-url: leave out one of them")
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
