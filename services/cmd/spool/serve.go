package main

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"time"

	"github.com/gorilla/mux"
	"github.com/spf13/cobra"

	"spool.internal/cron"
	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway"
	"spool.internal/services/broker"
	"spool.internal/services/daemon"
	"spool.internal/services/dispatcher"
	"spool.internal/watcher"
)

// serveOptions are the flags of serve; each role takes a part of them.
type serveOptions struct {
	common
	place
	broker   brokerOptions
	gateway  gatewayOptions
	cron     cronOptions
	runner   runnerOptions
	notify   notifyOptions
	stage    stageOptions
	quota    events.Quota
	dispatch dispatcherOptions
	spare    spare
}

func serveCommand() *cobra.Command {
	o := &serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run every service in this process, with NATS inside",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), o, nil) },
	}
	o.flags(cmd)
	checked(cmd, o.check)
	return cmd
}

// check says all that is wrong with the flags, before anything is made or started.
func (o *serveOptions) check() error {
	endpoint, secret := o.dispatch.endpoint, ""
	if endpoint == "" {
		endpoint, secret = "http://127.0.0.1"+events.RunBinaryPath, "shared in this process"
	}
	o.notify.domains = o.gateway.domains
	return errors.Join(
		o.common.check(), o.place.check(o.data), o.broker.check(o.data), apart(o.listen, o.broker.listen),
		o.gateway.check(), o.cron.check(), o.runner.check(""), o.notify.check(o.data), o.stage.check(), o.dispatch.check(endpoint, secret),
	)
}

func (o *serveOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	o.common.flags(f, "127.0.0.1:8080")
	o.place.flags(f)
	o.broker.flags(f, "")
	o.gateway.flags(f)
	o.cron.flags(f)
	o.runner.flags(f)
	o.notify.flags(f)
	o.gateway.domains.flag(f)
	o.stage.flags(f)
	quotaFlag(f, &o.quota)
	o.spare.flag(f)
	o.dispatch.flags(f, " (default: the built-in runner)")
}

// serve wires every service in one line of reading, from the bottom up; what is
// started last is stopped first. ready, if given, is called when all of it runs.
func serve(ctx context.Context, o *serveOptions, ready func(context.Context, *instance) error) error {
	log, err := o.prepare()
	if err != nil {
		return err
	}
	zone, err := zoneOf(o.cron.timezone)
	if err != nil {
		return err
	}
	release, err := broker.Lock(o.data)
	if err != nil {
		return err
	}
	p := daemon.New(log)
	p.OnStop("lock", func(context.Context) error { return release() })
	if err := o.wire(ctx, p, zone, ready); err != nil {
		return errors.Join(stayLost(ctx, p, o.listener(), err), p.Stop())
	}
	return p.Wait(ctx)
}

// instance is a running serve, as demo uses it.
type instance struct {
	process *daemon.Process
	addr    string
	bus     *jet.Bus
}

func (o *serveOptions) wire(ctx context.Context, p *daemon.Process, zone *time.Location, ready func(context.Context, *instance) error) error {
	drives, err := o.place.open(o.data)
	if err != nil {
		return err
	}
	kept := o.spare.of(p, o.data)
	b, err := o.broker.start(ctx, p, o.data, kept)
	if err != nil {
		return err
	}
	connect := func(name string) (*jet.Bus, error) {
		bus, err := b.Connect(ctx, name)
		if err == nil {
			p.OnStop(name+" connection", bus.Close)
		}
		return bus, err
	}

	bus, err := connect("runner")
	if err != nil {
		return err
	}
	drives.Recorded(bus.HostOf)
	keys := jet.NewKeyring(bus)
	p.Go("keyring", keys.Run)
	secret := rand.Text()
	key, err := bus.OpenSealKey(ctx, filepath.Join(o.data, "seal.key"))
	if err != nil {
		return err
	}
	runSecrets, err := key.ForRuns()
	if err != nil {
		return err
	}
	cfg, err := o.runner.config(bus, keys, drives, o.data, secret, p)
	if err != nil {
		return err
	}
	cfg.RunSecrets = runSecrets
	cfg.Reserve = kept
	cfg.Direct, cfg.Running = o.dispatch.endpoint != "", o.quota.Running
	run, err := o.runner.run(ctx, p, cfg)
	if err != nil {
		return err
	}
	calls := mux.NewRouter()
	run.Routes(calls)
	room := 2*o.dispatch.workers + 64 // what the dispatcher keeps open, and callers that are not it
	inside, err := p.Serve("runner calls", daemon.Listener{Addr: "127.0.0.1:0", Inside: true, MaxConnections: room}, calls)
	if err != nil {
		return err
	}

	if bus, err = connect("dispatcher"); err != nil {
		return err
	}
	to := o.dispatch.endpoint
	if to == "" {
		to = "http://" + inside + events.RunBinaryPath
	} else {
		secret = ""
	}
	o.notify.domains = o.gateway.domains
	if err := o.notify.start(ctx, p, bus, key, o.data, endpoint{foreign: secret == "", tracked: o.dispatch.trackRuns, zone: zone}); err != nil {
		return err
	}
	calling := o.dispatch.config(bus, key, to, secret, p)
	calling.Running, calling.RunSecrets, calling.Zone = o.quota.Running, runSecrets, zone
	dispatch, err := dispatcher.New(calling)
	if err != nil {
		return err
	}
	p.Go("dispatcher", dispatch.Run)
	p.OnCheck("dispatcher", dispatch.Check)

	if bus, err = connect("cron"); err != nil {
		return err
	}
	clock, err := cron.New(o.cron.config(bus, zone, p))
	if err != nil {
		return err
	}
	p.Go("cron", clock.Run)
	p.OnCheck("cron", clock.Check)

	if bus, err = connect("watcher"); err != nil {
		return err
	}
	watching, err := o.stage.config(watcher.Config{
		Bus: bus, Drives: drives, SyncStage: o.broker.durable(), Queued: o.quota.Queued, Reserve: kept, Metrics: p.Metrics, Log: component(p, "watcher"),
	})
	if err != nil {
		return err
	}
	if watching.LinkAbove != 0 && (o.dispatch.endpoint != "" || !run.Sandboxed()) {
		watching.Log.Warn("stages can be hard links to the files in watched folders, and runs are not kept from writing their input: a run can change the originals; leave out --stage link and --link-above, or have flows shut in")
	}
	watch, err := watcher.New(watching)
	if err != nil {
		return err
	}
	p.Go("watcher", watch.Run)
	p.OnCheck("watcher", watch.Check)

	if bus, err = connect("gateway"); err != nil {
		return err
	}
	api := o.gateway.config(bus, keys, drives, zone, o.data, component(p, "gateway"))
	api.Mount, api.Untracked = run.Routes, secret == "" && !o.dispatch.trackRuns
	api.Quota, api.Reserve, api.Lost = o.quota, kept, b.Place
	if o.broker.listen != "" {
		if api.Subscribers, err = b.ConnectAs(ctx, broker.Gateway); err != nil {
			return err
		}
		p.OnStop("subscribers' connection", api.Subscribers.Close)
	}
	gate, err := gateway.New(api)
	if err != nil {
		return err
	}
	p.Go("gateway", gate.Run)
	p.OnCheck("gateway", gate.Check)
	addr, err := p.Serve("api", o.listener(), gate.Handler())
	if err != nil {
		return err
	}
	p.Go("readiness", p.AnnounceReady)
	if ready == nil {
		return nil
	}
	if bus, err = connect("demo"); err != nil {
		return err
	}
	p.Go("demo", func(ctx context.Context) error {
		if err := ready(ctx, &instance{p, addr, bus}); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
	return nil
}
