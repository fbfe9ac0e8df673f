package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/dispatcher"
)

// dispatcherOptions are the flags of the dispatcher.
type dispatcherOptions struct {
	endpoint   urlList
	insecure   bool
	workers    int
	timeout    time.Duration
	trackRuns  bool
	retryWaits []time.Duration

	secretFile string // of a dispatcher alone
}

func (o *dispatcherOptions) flags(f *pflag.FlagSet, alone bool) {
	otherwise := " (default: the built-in runner)"
	if alone {
		otherwise = ""
		f.StringVar(&o.secretFile, "runner-secret-file", "", "file with the secret shared with a built-in runner; without it, the endpoint counts as a foreign one")
	}
	f.Var(&o.endpoint, "run-binary-url", "URL of the Run Binary API that calls are posted to, with its path; several, separated by commas or each in a flag of its own, are tried in turn"+otherwise)
	f.BoolVar(&o.insecure, "insecure-endpoint", false, "allow a --run-binary-url http://… on another machine: the tokens of jobs are sent in clear")
	f.IntVar(&o.workers, "workers", 64, "run-binary calls in flight")
	durationVar(f, &o.timeout, "call-timeout", time.Minute, "how long one run-binary call may take")
	f.BoolVar(&o.trackRuns, "track-runs", false, "ask a foreign endpoint (one that is not the built-in runner) how its runs end, and publish it")
	durationsVar(f, &o.retryWaits, "retry-waits", []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute},
		"waits between the calls of one trigger; the last one repeats")
}

func (o *dispatcherOptions) check(s *settings) error {
	cfg := o.config()
	var err error
	switch {
	case s.alone():
		cfg.Secret, err = readSecret(o.secretFile)
	case o.endpoint == "":
		cfg.RunBinaryURL, cfg.Secret = "http://127.0.0.1"+events.RunBinaryPath, "shared in this process"
	}
	return errors.Join(err, cfg.Validate())
}

func (o *dispatcherOptions) config() dispatcher.Config {
	return dispatcher.Config{
		RunBinaryURL: string(o.endpoint), InsecureEndpoint: o.insecure, Workers: o.workers, CallTimeout: o.timeout,
		TrackRuns: o.trackRuns, RetryWaits: o.retryWaits,
	}
}

// startDispatcher also starts notify, which needs the seal key that the dispatcher has.
func (in *instance) startDispatcher(ctx context.Context, bus *jet.Bus) error {
	cfg, err := in.dispatcherConfig(ctx, bus)
	if err != nil {
		return err
	}
	if err := in.startNotify(ctx, bus, cfg.SealKey, cfg); err != nil {
		return err
	}
	d, err := dispatcher.New(cfg)
	if err != nil {
		return err
	}
	in.add("dispatcher", d)
	if cfg.Secret == "" {
		in.warnForeign(ctx, bus)
	}
	in.endpoint = d.Endpoint
	return nil
}

func (in *instance) dispatcherConfig(ctx context.Context, bus *jet.Bus) (cfg dispatcher.Config, err error) {
	cfg = in.set.dispatch.config()
	cfg.Bus, cfg.Running, cfg.Metrics, cfg.Log = bus, in.set.quota.Running, in.Metrics, in.log("dispatcher")
	cfg.Places = in.placesOf(bus)
	if cfg.SealKey, err = in.openSealKey(ctx, bus); err != nil {
		return cfg, err
	}
	if cfg.Zone, err = in.set.zone.load(); err != nil {
		return cfg, err
	}
	if in.set.alone() || cfg.RunBinaryURL == "" { // a foreign endpoint gets no secret
		if cfg.Secret, err = in.runnerSecret(in.set.dispatch.secretFile); err != nil {
			return cfg, err
		}
	}
	if !in.set.alone() {
		if cfg.RunBinaryURL == "" {
			cfg.RunBinaryURL = "http://" + in.calls + events.RunBinaryPath
		}
		cfg.RunSecrets, err = in.runSecrets(ctx, bus)
	}
	return cfg, err
}

// urlList is a flag that may be given more than once: URLs, separated by commas.
type urlList string

func (l *urlList) String() string { return string(*l) }
func (l *urlList) Type() string   { return "string" }

func (l *urlList) Set(s string) error {
	if *l != "" {
		s = string(*l) + "," + s
	}
	*l = urlList(s)
	return nil
}

// readSecret reads the secret that dispatcher and runner share; without a file it is "".
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
		return "", events.Faultf(events.Invalid, "runner-secret-file", "the secret in %s has fewer than 16 characters: put a long random text into it", file)
	}
	return secret, nil
}
