package dispatcher

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
)

// Config of a dispatcher.
type Config struct {
	Bus              *jet.Bus
	SealKey          *seal.Key             // opens the secrets in jobs
	RunBinaryURL     string                // where calls are posted, the whole URL; several, separated by commas, are tried in turn
	InsecureEndpoint bool                  // allow an http:// RunBinaryURL that is not loopback
	Secret           string                // shared with the built-in runner; empty = the endpoint is another one
	RunSecrets       *seal.Shared          // seals the secrets of commands for the built-in runner; default: from Secret
	Zone             *time.Location        // of jobs that name none; nil = UTC
	Workers          int                   // calls in flight; default 64
	CallTimeout      time.Duration         // of one call, from dialling to the end of the answer; default 60 s
	TrackRuns        bool                  // poll the endpoint for how runs end; not needed with the built-in runner
	TrackFor         time.Duration         // how long a run is polled; default 7 d
	RetryWaits       []time.Duration       // between calls of a trigger, the last repeats; default [retryWaits]
	ProbeEvery       time.Duration         // how often an endpoint that refuses connections is tried; default 2 s
	Running          int                   // quota: runs of one owner that have not ended; default 100, negative = none
	Metrics          prometheus.Registerer // nil = no metrics

	// Places tells which machines serve which drives; nil: all runners have the same.
	Places func(context.Context) (events.Places, error)

	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Workers == 0 {
		c.Workers = 64
	}
	if c.Running == 0 {
		c.Running = events.DefaultQuota.Running
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = 60 * time.Second
	}
	if c.TrackFor == 0 {
		c.TrackFor = trackFor
	}
	if len(c.RetryWaits) == 0 {
		c.RetryWaits = retryWaits
	}
	if c.ProbeEvery == 0 {
		c.ProbeEvery = probeEvery
	}
	return c
}

// Validate reports every fault of the config.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	errs = append(errs, c.checkURLs()...)
	if c.Workers < 1 {
		errs = append(errs, events.Faultf(events.Invalid, "workers", "%d is too few: at least 1", c.Workers))
	}
	if c.CallTimeout <= 0 {
		errs = append(errs, events.Faultf(events.Invalid, "call-timeout", "must be longer than 0"))
	}
	for _, w := range c.RetryWaits {
		if w <= 0 {
			errs = append(errs, events.Faultf(events.Invalid, "retry-waits", "%s is too short: each must be longer than 0", w))
		}
	}
	if c.ProbeEvery <= 0 {
		errs = append(errs, events.Faultf(events.Invalid, "probe-every", "must be longer than 0"))
	}
	return errors.Join(errs...)
}

// checkURLs reports what is wrong with the endpoints.
func (c Config) checkURLs() (errs []error) {
	urls := splitURLs(c.RunBinaryURL)
	for _, one := range urls {
		if one == "" {
			errs = append(errs, events.Faultf(events.Invalid, "run-binary-url",
				"is required: where calls are posted, as http://127.0.0.1:8081%s", events.RunBinaryPath))
		} else if u, err := url.Parse(one); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			errs = append(errs, events.Faultf(events.Invalid, "run-binary-url", "is not an http or https URL")) // not repeated: it can hold a password
		} else if u.Scheme == "http" && !loopback(u.Hostname()) && !c.InsecureEndpoint {
			errs = append(errs, events.Faultf(events.Invalid, "run-binary-url", "%q is not on this machine and the tokens of jobs would travel in clear: "+
				"use https://, or --insecure-endpoint in a network of its own", u.Host))
		}
	}
	if !c.TrackRuns || c.Secret != "" {
		return errs
	}
	if len(urls) > 1 {
		return append(errs, events.Faultf(events.Invalid, "track-runs", "follows the runs of one endpoint, and --run-binary-url names %d: give one, or leave --track-runs out", len(urls)))
	}
	if _, err := statusURL(c.RunBinaryURL); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// loopback reports whether a host is this machine, by its name alone: tomorrow the name may resolve to another address.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
