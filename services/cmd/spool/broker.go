package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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

func (o *brokerOptions) flags(f *pflag.FlagSet, alone bool) {
	listen := ""
	if alone {
		listen = "127.0.0.1:4222"
	}
	f.StringVar(&o.listen, "nats-listen", listen, "host:port on which the embedded NATS accepts other programs, with credentials")
	f.StringVar(&o.tlsCert, "nats-tls-cert", "", "certificate for --nats-listen, a PEM file")
	f.StringVar(&o.tlsKey, "nats-tls-key", "", "key of that certificate, a PEM file")
	f.BoolVar(&o.insecure, "nats-insecure", false, "allow --nats-listen without TLS on an address that is not loopback")
	f.StringVar(&o.durability, "durability", "fsync", "when a message counts as stored: fsync (on disk) or interval (within 250 ms)")
	sizeVar(f, &o.maxStore, "max-store", 0, "disk space for all streams together, such as 10GiB (default: nine tenths of the disk's free space, at most 25 GiB)")
	f.Int64Var(&o.resultsPerJob, "results-per-job", 1000, "results kept per job")
}

func (o *brokerOptions) config(data string) broker.Config {
	return broker.Config{
		DataDir: data, Listen: o.listen, TLSCert: o.tlsCert, TLSKey: o.tlsKey, Insecure: o.insecure, Durability: broker.Durability(o.durability),
		MaxStore: o.maxStore, ResultsPerJob: o.resultsPerJob,
	}
}

// startBroker starts the broker; the process is ready only while the broker is.
func (in *instance) startBroker(ctx context.Context) error {
	cfg := in.set.broker.config(in.set.common.data)
	cfg.Reserve, cfg.Metrics, cfg.Log = in.reserve(), in.Metrics, in.Log
	if in.bundle != nil {
		if err := in.openDoor(); err != nil {
			return err
		}
		cfg.Bundle, cfg.Version, cfg.Waits = in.bundle, version(), in.door.waits
	}
	b, err := broker.Start(ctx, cfg)
	if err != nil {
		return err
	}
	in.broker = b
	in.OnStop("broker", b.Close)
	in.OnCheck("broker", b.Check)
	in.OnNote("cluster", b.Notes)
	in.OnCheck("data folder", b.Place)
	in.Go("data folder", b.Keep)
	in.Go("store", b.Alive)
	bus, err := in.connect(ctx, brokerRole)
	if err == nil {
		in.present(brokerRole, bus)
	}
	return err
}

func (o *brokerOptions) check(s *settings) error {
	return errors.Join(o.config(s.common.data).Check(), apart(s.common.listen, o.listen))
}

// durabilityOf checks --durability of a service that does not keep the store.
func durabilityOf(text string) error {
	if d := broker.Durability(text); d != broker.Fsync && d != broker.Interval {
		return fmt.Errorf("durability: %q is neither fsync nor interval", text)
	}
	return nil
}

func durable(text string) bool { return broker.Durability(text) == broker.Fsync }

// apart refuses the same address for HTTP and for NATS.
func apart(http, nats string) error {
	if _, port, err := net.SplitHostPort(http); err == nil && http == nats && port != "0" {
		return fmt.Errorf("nats-listen: %s is the address of --listen, too: choose another port", nats)
	}
	return nil
}

// brokerRole is the broker as a process of its own.
const brokerRole = "broker"

func brokerCommand() *cobra.Command {
	s := &settings{role: brokerRole}
	cmd := &cobra.Command{
		Use: brokerRole, Short: "Run the embedded NATS alone", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runBroker(cmd.Context(), s) },
	}
	s.declare(cmd)
	return cmd
}

// runBroker runs the broker alone until ctx ends.
func runBroker(ctx context.Context, s *settings) error {
	in, err := openStore(s)
	if err != nil {
		return err
	}
	if err := in.startBroker(ctx); err != nil {
		return errors.Join(stayLost(ctx, in.Process, s.common.listener(), err), in.Stop())
	}
	if _, err := in.listen("http", http.NotFoundHandler()); err != nil {
		return errors.Join(err, in.Stop())
	}
	in.Log.Info("NATS is listening", "addr", in.broker.Addr())
	in.presented()
	in.Go("readiness", in.AnnounceReady)
	return in.Wait(ctx)
}

// openStore makes the process that has the store: no other uses its data folder until it stops.
func openStore(s *settings) (*instance, error) {
	log, err := s.common.prepare()
	if err != nil {
		return nil, err
	}
	release, err := broker.Lock(s.common.data)
	if err != nil {
		return nil, err
	}
	daemon.LimitMemory()
	daemon.PaceGarbage()
	in := &instance{Process: daemon.New(log), set: s}
	if in.bundle, err = s.bundle.load(); err != nil {
		return nil, errors.Join(err, release())
	}
	in.OnStop("lock", func(context.Context) error { return release() })
	return in, nil
}
