package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/events/schedule"
	"spool.internal/services/broker"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/daemon"
)

// natsOptions are the flags of a service that connects to a broker in another process.
type natsOptions struct {
	url   string
	creds string
	natsTLS
}

func (o *natsOptions) flags(f *pflag.FlagSet, _ bool) {
	f.StringVar(&o.url, "nats-url", "nats://127.0.0.1:4222", "where the broker listens")
	f.StringVar(&o.creds, "nats-creds", "", "credentials file of this role; the broker writes one for each role into its data folder, such as cron.creds")
	o.natsTLS.flags(f)
}

// options are how a role connects.
func (o *natsOptions) options(role string, log *slog.Logger) jet.Options {
	return jet.Options{
		URL: o.url, Creds: o.creds, CA: o.ca, Cert: o.cert, Key: o.key,
		Name: role, Needs: broker.Role(role).Needs(), Log: log,
	}
}

func (o *natsOptions) check(s *settings) error {
	return errors.Join(natsURL(o.url), ownCreds(s.role, o.creds), o.natsTLS.check())
}

// natsURL checks the address of a broker, or several, separated by commas.
func natsURL(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); !strings.Contains(one, "://") {
			one = "nats://" + one
		}
		u, err := url.Parse(one)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return errors.New("nats-url: is not the address of a NATS server: write it like nats://127.0.0.1:4222, or tls://host:4222") // it can hold a password
		}
	}
	return nil
}

// ownCreds refuses the credentials of another role, which lack rights that this role needs.
func ownCreds(name, file string) error {
	if file == "" {
		return nil
	}
	owner, err := broker.OwnerOf(file)
	if err != nil {
		return fmt.Errorf("nats-creds: %w", err)
	}
	if owner != name && slices.Contains(broker.ForeignUsers(), broker.Role(owner)) {
		return fmt.Errorf("nats-creds: %s holds the credentials of %s, but this is %s: use %s, which the broker writes beside it",
			file, owner, name, broker.Role(name).Creds())
	}
	return nil
}

func (c common) listener() daemon.Listener {
	return daemon.Listener{
		Addr: c.listen, TLSCert: c.tlsCert, TLSKey: c.tlsKey, Insecure: c.insecure,
		MaxConnections: c.conns, TrustedProxies: c.proxies,
	}
}

func (p place) drivesDir(data string) string {
	if p.drives != "" {
		return p.drives
	}
	return filepath.Join(data, "drives")
}

// check reports what is wrong with the name and the declared drives.
func (p *place) check(s *settings) error {
	var err error
	if p.name != "" {
		err = cluster.CheckPlace(p.name)
	}
	return errors.Join(err, drive.Check(p.drivesDir(s.common.data), s.common.data, p.mappings, p.shared...))
}

// open opens the drives. A drive that contains, or lies in, the data folder or a secret is
// an error.
func (p place) open(data string) (*drive.Drives, error) {
	drives, err := drive.New(p.drivesDir(data), p.mappings, p.shared...)
	if err != nil {
		return nil, err
	}
	return drives, drives.Guard(data, secretFiles(p.set)...)
}

// secretFiles returns the files with secrets that flags name.
func secretFiles(flags *pflag.FlagSet) (files []string) {
	flags.VisitAll(func(f *pflag.Flag) {
		for _, ending := range []string{"-file", "-key", "-creds", "bundle"} {
			if strings.HasSuffix(f.Name, ending) && f.Value.String() != "" {
				files = append(files, f.Value.String())
			}
		}
	})
	return files
}

// zone is the flag --timezone.
type zone struct{ name string }

func (z *zone) flags(f *pflag.FlagSet, _ bool) {
	f.StringVar(&z.name, "timezone", "UTC", "time zone of jobs that set none, such as Europe/Paris")
}

func (z *zone) check(*settings) error {
	_, err := z.load()
	return err
}

func (z *zone) load() (*time.Location, error) { return zoneOf(z.name) }

func zoneOf(name string) (*time.Location, error) {
	zone, err := schedule.LoadLocation(name)
	if err != nil {
		return nil, events.Faultf(events.Invalid, "timezone", "%s", err.Error())
	}
	return zone, nil
}

// quota is the flag --quota, for every service that enforces a part of it.
type quota struct{ events.Quota }

func (q *quota) flags(f *pflag.FlagSet, _ bool) {
	f.Var(&q.Quota, "quota", "limits for each owner who is not an administrator: jobs=10000,bytes=…,queued=50000,running=100, each a number or none; bytes is the size of the jobs with their history, such as 64MiB (default: a quarter of their stream)")
}

func (q *quota) check(*settings) error { return nil }

// domains is the flag --mail-domains, for the gateway and for notifications.
type domains struct{ events.MailDomains }

func (d *domains) flags(f *pflag.FlagSet, _ bool) {
	f.Var(d, "mail-domains", "domains that notification_emails may be sent to; .example.com stands for all below it (default: all)")
}

func (d *domains) check(*settings) error { return nil }

func (d *domains) String() string { return strings.Join(d.MailDomains, ",") }
func (d *domains) Type() string   { return "strings" }

func (d *domains) Set(s string) error {
	more, err := events.ParseMailDomains("mail-domains", strings.Split(s, ","))
	d.MailDomains = append(d.MailDomains, more...)
	return err
}

// command makes the command that runs one service alone.
func (r service) command() *cobra.Command {
	s := &settings{role: r.name}
	cmd := &cobra.Command{
		Use: r.name, Short: r.short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context(), s) },
	}
	s.declare(cmd, r)
	return cmd
}

// run runs one service alone until ctx ends.
func (r service) run(ctx context.Context, s *settings) error {
	log, err := s.common.prepare()
	if err != nil {
		return err
	}
	daemon.LimitMemory()
	if r.name != "gateway" { // which has a pace of its own
		daemon.PaceGarbage()
	}
	in := &instance{Process: daemon.New(log), set: s}
	if err := r.startAlone(ctx, in); err != nil {
		if ctx.Err() != nil {
			err = nil // stopped while it was waiting for the broker
		}
		return errors.Join(err, in.Stop())
	}
	return in.Wait(ctx)
}

// startAlone connects to the broker and starts the service.
func (r service) startAlone(ctx context.Context, in *instance) error {
	o := in.set.nats
	if err := ownCreds(r.name, o.creds); err != nil {
		return err
	}
	bus, err := jet.Connect(ctx, o.options(r.name, in.log(r.name)))
	if err != nil {
		return err
	}
	in.OnStop("connection", bus.Close)
	in.OnCheck("nats", bus.Check)
	if err := in.measure(bus); err != nil {
		return err
	}
	if err := bus.Await(ctx); err != nil {
		return err
	}
	if err := in.readMarks(ctx, bus); err != nil {
		return err
	}
	if err := r.start(in, ctx, bus); err != nil {
		return err
	}
	in.present(r.name, bus)
	in.presented()
	if in.addr == "" { // health and metrics only
		if in.addr, err = in.Serve("http", in.set.common.listener(), http.NotFoundHandler()); err != nil {
			return err
		}
	}
	if r.keeps {
		if err := in.watchFolder(); err != nil {
			return err
		}
	}
	in.Go("readiness", in.AnnounceReady)
	return nil
}

// watchFolder ends the process when its data folder is taken away.
func (in *instance) watchFolder() error {
	data := in.set.common.data
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	folder, err := broker.WatchFolder(data, in.Log)
	if err != nil {
		return err
	}
	in.OnCheck("data folder", folder.Check)
	in.Go("data folder", folder.Run)
	return nil
}
