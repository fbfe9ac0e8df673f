package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
	"spool.internal/services/daemon"
	"spool.internal/services/dispatcher"
)

// dispatcherOptions are the flags about calls.
type dispatcherOptions struct {
	endpoint   string
	insecure   bool
	workers    int
	timeout    time.Duration
	trackRuns  bool
	retryWaits []time.Duration
}

func (o *dispatcherOptions) flags(f *pflag.FlagSet, otherwise string) {
	f.StringVar(&o.endpoint, "run-binary-url", "", "Run Binary API that calls are posted to, the whole URL"+otherwise)
	f.BoolVar(&o.insecure, "insecure-endpoint", false, "allow a --run-binary-url http://… that is not on this machine: tokens of jobs travel in clear")
	f.IntVar(&o.workers, "workers", 64, "run-binary calls in flight")
	durationVar(f, &o.timeout, "call-timeout", time.Minute, "how long one run-binary call may take")
	f.BoolVar(&o.trackRuns, "track-runs", false, "ask an endpoint that is not the built-in runner how its runs end, and publish it")
	durationsVar(f, &o.retryWaits, "retry-waits", []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute},
		"pauses between the calls of one trigger; the last repeats")
}

func (o *dispatcherOptions) check(endpoint, secret string) error {
	return o.config(nil, nil, endpoint, secret, &daemon.Process{Log: slog.New(slog.DiscardHandler)}).Validate()
}

func (o *dispatcherOptions) config(bus *jet.Bus, key *seal.Key, endpoint, secret string, p *daemon.Process) dispatcher.Config {
	return dispatcher.Config{
		Bus: bus, SealKey: key, RunBinaryURL: endpoint, InsecureEndpoint: o.insecure, Secret: secret, Workers: o.workers, CallTimeout: o.timeout,
		TrackRuns: o.trackRuns, RetryWaits: o.retryWaits, Metrics: p.Metrics, Log: component(p, "dispatcher"),
	}
}

func dispatcherCommand() *cobra.Command {
	r := &role{}
	var o dispatcherOptions
	var secretFile string
	var quota events.Quota
	var tell notifyOptions
	var timezone string
	r.settings = func() error {
		secret, err := readSecret(secretFile)
		_, bad := zoneOf(timezone)
		return errors.Join(err, bad, o.check(o.endpoint, secret), tell.check(r.data))
	}
	return service("dispatcher", "Run the dispatcher alone", r, func(f *pflag.FlagSet) {
		o.flags(f, "")
		quotaFlag(f, &quota)
		f.StringVar(&secretFile, "runner-secret-file", "", "file with the secret shared with a built-in runner; without it the endpoint is somebody else's")
		tell.flags(f)
		tell.domains.flag(f)
		zoneFlag(f, &timezone)
	}, func(ctx context.Context, p *daemon.Process, bus *jet.Bus) error {
		key, err := bus.OpenSealKey(ctx, filepath.Join(r.data, "seal.key"))
		if err != nil {
			return err
		}
		secret, err := readSecret(secretFile)
		if err != nil {
			return err
		}
		zone, err := zoneOf(timezone)
		if err != nil {
			return err
		}
		if err := tell.start(ctx, p, bus, key, r.data, endpoint{foreign: secret == "", tracked: o.trackRuns, zone: zone}); err != nil {
			return err
		}
		cfg := o.config(bus, key, o.endpoint, secret, p)
		cfg.Running, cfg.Zone = quota.Running, zone
		d, err := dispatcher.New(cfg)
		if err != nil {
			return err
		}
		p.Go("dispatcher", d.Run)
		p.OnCheck("dispatcher", d.Check)
		_, err = p.Serve("http", r.listener(), http.NotFoundHandler())
		return err
	})
}

// readSecret reads the secret that dispatcher and runner share; no file is no secret.
func readSecret(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("runner-secret-file: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < 16 {
		return "", events.Faultf(events.Invalid, "runner-secret-file", "%s holds fewer than 16 characters: put a long random text into it", file)
	}
	return secret, nil
}
