package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
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
	"spool.internal/services/daemon"
)

// role is a service that runs as a process of its own and meets the others on NATS.
type role struct {
	common
	place
	settings  func() error // all that is wrong with the flags of this role alone; may be nil
	natsURL   string
	natsCreds string
	natsCA    string
}

func (r *role) flags(f *pflag.FlagSet) {
	r.common.flags(f, "127.0.0.1:0")
	f.StringVar(&r.natsURL, "nats-url", "nats://127.0.0.1:4222", "where the broker listens")
	f.StringVar(&r.natsCreds, "nats-creds", "", "credentials file of this role; the broker writes one for each into its data folder, as cron.creds")
	natsCAFlag(f, &r.natsCA)
}

// check says all that is wrong with the flags, of which the role's own are part.
func (r *role) check(name string) error {
	faults := []error{r.common.check(), natsURL(r.natsURL), ownCreds(name, r.natsCreds), authorities(r.natsCA)}
	if r.place.set != nil {
		faults = append(faults, r.place.check(r.data))
	}
	if r.settings != nil {
		faults = append(faults, r.settings())
	}
	return errors.Join(faults...)
}

// natsURL checks the address of a broker, or several with commas between them.
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

// authorities checks the file of --nats-ca.
func authorities(file string) error {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
		err = fmt.Errorf("%s holds no certificate, as PEM", file)
	}
	if err != nil {
		return fmt.Errorf("nats-ca: %w", err)
	}
	return nil
}

func natsCAFlag(f *pflag.FlagSet, file *string) {
	f.StringVar(file, "nats-ca", "", "PEM file with the authorities that sign certificates of --nats-url tls://… (default: the system's)")
}

// ownCreds refuses the credentials of another role, which would be denied what this one needs.
func ownCreds(name, file string) error {
	if file == "" {
		return nil
	}
	owner, err := broker.OwnerOf(file)
	if err != nil {
		return fmt.Errorf("nats-creds: %w", err)
	}
	if owner != name && slices.Contains(broker.Roles(), broker.Role(owner)) {
		return fmt.Errorf("nats-creds: %s is for %s, and this is %s: the broker writes %s beside it",
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

// check says what is wrong with the drives as they are declared.
func (p place) check(data string) error { return drive.Check(p.drivesDir(data), data, p.mappings) }

// open opens the drives, of which none may touch the data folder or a secret.
func (p place) open(data string) (*drive.Drives, error) {
	drives, err := drive.New(p.drivesDir(data), p.mappings)
	if err != nil {
		return nil, err
	}
	return drives, drives.Guard(data, secretFiles(p.set)...)
}

// secretFiles are the files that flags name for their secrets.
func secretFiles(flags *pflag.FlagSet) (files []string) {
	flags.VisitAll(func(f *pflag.Flag) {
		for _, ending := range []string{"-file", "-key", "-creds"} {
			if strings.HasSuffix(f.Name, ending) && f.Value.String() != "" {
				files = append(files, f.Value.String())
			}
		}
	})
	return files
}

func zoneFlag(f *pflag.FlagSet, name *string) {
	f.StringVar(name, "timezone", "UTC", "zone of jobs that name none, as Europe/Paris")
}

func zoneOf(name string) (*time.Location, error) {
	zone, err := schedule.LoadLocation(name)
	if err != nil {
		return nil, events.Faultf(events.Invalid, "timezone", "%s", err.Error())
	}
	return zone, nil
}

func component(p *daemon.Process, name string) *slog.Logger { return p.Log.With("component", name) }

// service makes the command of one role: the bus first, then what wire adds.
func service(name, short string, r *role, more func(*pflag.FlagSet), wire func(context.Context, *daemon.Process, *jet.Bus) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := r.prepare()
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			p := daemon.New(log)
			if err := r.wire(ctx, name, p, wire); err != nil {
				if ctx.Err() != nil {
					err = nil // stopped while it was waiting for the broker
				}
				return errors.Join(err, p.Stop())
			}
			return p.Wait(ctx)
		},
	}
	checked(cmd, func() error { return r.check(name) })
	r.flags(cmd.Flags())
	if more != nil {
		more(cmd.Flags())
	}
	return cmd
}

func (r *role) wire(ctx context.Context, name string, p *daemon.Process, wire func(context.Context, *daemon.Process, *jet.Bus) error) error {
	if err := ownCreds(name, r.natsCreds); err != nil {
		return err
	}
	bus, err := jet.Connect(ctx, jet.Options{URL: r.natsURL, Creds: r.natsCreds, CA: r.natsCA, Name: name, Needs: broker.Role(name).Needs(), Log: component(p, name)})
	if err != nil {
		return err
	}
	p.OnStop("connection", bus.Close)
	p.OnCheck("nats", bus.Check)
	if err := bus.Await(ctx); err != nil {
		return err
	}
	if err := wire(ctx, p, bus); err != nil {
		return err
	}
	if slices.Contains(keepers, broker.Role(name)) {
		if err := r.watchFolder(p); err != nil {
			return err
		}
	}
	p.Go("readiness", p.AnnounceReady)
	return nil
}

// keepers are the roles that keep something in their data folder.
var keepers = []broker.Role{broker.Gateway, broker.Dispatcher, broker.Runner}

// watchFolder ends the role when its data folder is taken away.
func (r *role) watchFolder(p *daemon.Process) error {
	if err := os.MkdirAll(r.data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	folder, err := broker.WatchFolder(r.data, p.Log)
	if err != nil {
		return err
	}
	p.OnCheck("data folder", folder.Check)
	p.Go("data folder", folder.Run)
	return nil
}
