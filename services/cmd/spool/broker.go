package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events/reserve"
	"spool.internal/services/broker"
	"spool.internal/services/daemon"
)

// brokerOptions are the flags about the embedded NATS.
type brokerOptions struct {
	listen        string
	tlsCert       string
	tlsKey        string
	insecure      bool
	durability    string
	maxStore      int64
	resultsPerJob int64
}

func (o *brokerOptions) flags(f *pflag.FlagSet, listen string) {
	f.StringVar(&o.listen, "nats-listen", listen, "host:port on which the embedded NATS takes other programs, with credentials")
	f.StringVar(&o.tlsCert, "nats-tls-cert", "", "certificate for --nats-listen, a PEM file")
	f.StringVar(&o.tlsKey, "nats-tls-key", "", "key of that certificate, a PEM file")
	f.BoolVar(&o.insecure, "nats-insecure", false, "allow --nats-listen on an address that is not loopback without TLS")
	f.StringVar(&o.durability, "durability", "fsync", "when a message counts as stored: fsync (on disk) or interval (within 250 ms)")
	sizeVar(f, &o.maxStore, "max-store", 0, "room that all streams may take, as 10GiB (default: nine tenths of the disk's free space, at most 25 GiB)")
	f.Int64Var(&o.resultsPerJob, "results-per-job", 1000, "results kept for each job")
}

func (o *brokerOptions) config(data string) broker.Config {
	return broker.Config{
		DataDir: data, Listen: o.listen, TLSCert: o.tlsCert, TLSKey: o.tlsKey, Insecure: o.insecure, Durability: broker.Durability(o.durability),
		MaxStore: o.maxStore, ResultsPerJob: o.resultsPerJob,
	}
}

// start starts the broker in a process, which stops it and asks it whether it is ready.
func (o *brokerOptions) start(ctx context.Context, p *daemon.Process, data string, kept *reserve.Reserve) (*broker.Broker, error) {
	cfg := o.config(data)
	cfg.Reserve, cfg.Metrics, cfg.Log = kept, p.Metrics, p.Log
	b, err := broker.Start(ctx, cfg)
	if err == nil {
		p.OnStop("broker", b.Close)
		p.OnCheck("broker", b.Check)
		p.OnCheck("data folder", b.Place)
		p.Go("data folder", b.Keep)
		p.Go("store", b.Alive)
	}
	return b, err
}

func (o *brokerOptions) check(data string) error { return o.config(data).Check() }

// durabilityOf checks the flag of those that do not keep the store.
func durabilityOf(text string) error {
	if d := broker.Durability(text); d != broker.Fsync && d != broker.Interval {
		return fmt.Errorf("durability: %q is neither fsync nor interval", text)
	}
	return nil
}

func (o *brokerOptions) durable() bool { return broker.Durability(o.durability) == broker.Fsync }

// apart refuses one address for both, HTTP and NATS.
func apart(http, nats string) error {
	if _, port, err := net.SplitHostPort(http); err == nil && http == nats && port != "0" {
		return fmt.Errorf("nats-listen: %s is what --listen has: choose another port", nats)
	}
	return nil
}

func brokerCommand() *cobra.Command {
	var c common
	var o brokerOptions
	var kept spare
	cmd := &cobra.Command{
		Use: "broker", Short: "Run the embedded NATS alone", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := c.prepare()
			if err != nil {
				return err
			}
			release, err := broker.Lock(c.data)
			if err != nil {
				return err
			}
			p := daemon.New(log)
			p.OnStop("lock", func(context.Context) error { return release() })
			b, err := o.start(cmd.Context(), p, c.data, kept.of(p, c.data))
			if err != nil {
				return errors.Join(stayLost(cmd.Context(), p, c.listener(), err), p.Stop())
			}
			if _, err := p.Serve("http", c.listener(), http.NotFoundHandler()); err != nil {
				return errors.Join(err, p.Stop())
			}
			log.Info("NATS is listening", "addr", b.Addr())
			p.Go("readiness", p.AnnounceReady)
			return p.Wait(cmd.Context())
		},
	}
	checked(cmd, func() error { return errors.Join(c.check(), o.check(c.data), apart(c.listen, o.listen)) })
	c.flags(cmd.Flags(), "127.0.0.1:0")
	o.flags(cmd.Flags(), "127.0.0.1:4222")
	kept.flag(cmd.Flags())
	return cmd
}
