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
	"spool.internal/services/daemon"
	"spool.internal/services/notify"
)

// notifyOptions are the flags about telling how runs ended.
type notifyOptions struct {
	secretFile  string
	allow, deny []string
	smtpURL     string
	smtpURLFile string
	mailOn      string
	domains     domains
	balanceTo   []string
	balanceAt   string
}

// domains is the flag --mail-domains, which gateways and notify both need.
type domains struct{ events.MailDomains }

func (d *domains) flag(f *pflag.FlagSet) {
	f.Var(d, "mail-domains", "domains that notification_emails may go to (.example.com: all below it); all, unless given")
}

func (d *domains) String() string { return strings.Join(d.MailDomains, ",") }
func (d *domains) Type() string   { return "strings" }

func (d *domains) Set(s string) error {
	more, err := events.ParseMailDomains("mail-domains", strings.Split(s, ","))
	d.MailDomains = append(d.MailDomains, more...)
	return err
}

func (o *notifyOptions) flags(f *pflag.FlagSet) {
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
		MailDomains: o.domains.MailDomains, BalanceTo: o.balanceTo, BalanceAt: o.balanceAt,
	}, err
}

func (o *notifyOptions) check(data string) error {
	cfg, err := o.config(data)
	return errors.Join(err, cfg.CheckSettings())
}

// endpoint is who performs the runs.
type endpoint struct {
	foreign bool // not the built-in runner
	tracked bool // with foreign: the dispatcher asks it how its runs end
	zone    *time.Location
}

// start tells how the runs of the built-in runner end, and how the states of jobs
// change. What is to be told is noted from here on: it goes before the dispatcher.
func (o *notifyOptions) start(ctx context.Context, p *daemon.Process, bus *jet.Bus, key *seal.Key, data string, e endpoint) error {
	cfg, err := o.config(data)
	if err != nil {
		return err
	}
	cfg.Bus, cfg.SealKey, cfg.Metrics, cfg.Log = bus, key, p.Metrics, component(p, "notify")
	cfg.Foreign, cfg.Tracked, cfg.Zone = e.foreign, e.tracked, e.zone
	cfg.Balance = func(ctx context.Context, day string) (subject, text string, err error) {
		return balance.Books{Bus: bus, Zone: e.zone}.Letter(ctx, day, time.Now())
	}
	n, err := notify.New(cfg)
	if err != nil {
		return err
	}
	if err := n.Subscribe(ctx); err != nil {
		return err
	}
	p.Go("notify", n.Run)
	p.OnCheck("notify", n.Check)
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
