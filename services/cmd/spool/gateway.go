package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"spool.internal/events/jet"
	"spool.internal/gateway"
	"spool.internal/services/broker"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/cli"
)

// gatewayOptions are the flags of the gateway.
type gatewayOptions struct {
	rate      float64
	burst     int
	maxUpload int64
	name      string
	advertise string
	peerCA    string
	code      loginCode // that the demo prints
}

func (o *gatewayOptions) flags(f *pflag.FlagSet, _ bool) {
	f.Float64Var(&o.rate, "rate", 200, "requests per second that a token may send on average; below 0: no limit")
	f.IntVar(&o.burst, "burst", 400, "requests that a token may send in one burst")
	sizeVar(f, &o.maxUpload, "max-upload", 5<<30, "largest file that is accepted over HTTP")
	f.StringVar(&o.name, "instance-name", "", "name of this installation, such as prod-eu, for people who have several: spool whoami and spool system show it")
	f.StringVar(&o.advertise, "advertise-url", "", "where the gateways of other machines reach this one, such as https://m1.example.com:8080, to pass on what is about files of drives here (default: made of --listen, where others can reach that)")
	f.StringVar(&o.peerCA, "peer-ca", "", "PEM file with the authorities that sign the certificates of the gateways of other machines (default: the system's)")
}

func (o *gatewayOptions) check(*settings) error {
	return errors.Join(o.config().CheckSettings(), gateway.CheckPeerURL("advertise-url", o.advertise))
}

func (o *gatewayOptions) config() gateway.Config {
	return gateway.Config{PeerCA: o.peerCA, Rate: o.rate, Burst: o.burst, MaxUpload: o.maxUpload, Name: o.name, Version: version()}
}

// gatewayGarbage is how much garbage a gateway that runs alone lets come together, in percent of
// what it holds: jobs and executions, which are much and live long.
const gatewayGarbage = 25

func (in *instance) startGateway(ctx context.Context, bus *jet.Bus) (err error) {
	if in.broker == nil && in.runner == nil && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gatewayGarbage)
	}
	cfg := in.set.gateway.config()
	cfg.Bus, cfg.Subscribers, cfg.DataDir, cfg.Log = bus, bus, in.set.common.data, in.log("gateway")
	if cfg.Drives, err = in.drivesOf(ctx, bus); err != nil {
		return err
	}
	if cfg.Zone, err = in.set.zone.load(); err != nil {
		return err
	}
	cfg.Keys, cfg.Reserve = in.keyring(bus), in.reserve()
	cfg.Places, cfg.PeerInsecure = in.placesOf(bus), in.set.common.insecure
	if in.bundle != nil {
		if _, err := gateway.SetAdmin(cfg.DataDir, strings.TrimSpace(string(in.bundle.Text(cluster.AdminToken)))); err != nil {
			return err
		}
	}
	cfg.Codes, cfg.Answered = in.set.gateway.code.Redeem, in.answered
	cfg.MailDomains, cfg.Quota = in.set.domains.MailDomains, in.set.quota.Quota
	if in.broker != nil {
		cfg.Lost = in.broker.Place
		if cfg.Subscribers, err = in.subscribers(ctx); err != nil {
			return err
		}
	}
	if in.runner != nil {
		cfg.Mount = in.runner.Routes
		cfg.Untracked = in.set.dispatch.endpoint != "" && !in.set.dispatch.trackRuns
	}
	g, err := gateway.New(cfg)
	if err != nil {
		return err
	}
	in.add("gateway", g)
	if in.addr, err = in.listen("api", g.Handler()); err != nil {
		return err
	}
	return in.announce()
}

// announce says in the data folder how the API is reached, for the command line.
func (in *instance) announce() error {
	release, err := cli.Announce(in.set.common.data, in.addr, in.set.common.tlsCert)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	in.OnStop("address", func(context.Context) error { return release() })
	return nil
}

// subscribers returns a connection that can create subscribers, or nil where no other
// program can connect.
func (in *instance) subscribers(ctx context.Context) (*jet.Bus, error) {
	if in.set.broker.listen == "" {
		return nil, nil
	}
	return in.connectAs(ctx, broker.Gateway)
}

// connectAs returns a connection in the account of a role, where others can ask it.
func (in *instance) connectAs(ctx context.Context, role broker.Role) (*jet.Bus, error) {
	bus, err := in.broker.ConnectAs(ctx, role)
	if err == nil {
		in.OnStop("connection as "+string(role), bus.Close)
		err = in.measure(bus)
	}
	return bus, err
}
