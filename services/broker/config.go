package broker

import (
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/reserve"
	"spool.internal/events/spelling"
	"spool.internal/services/broker/cluster"
)

// Durability says when a stored message is acknowledged.
type Durability string

const (
	Fsync    Durability = "fsync"    // when it is on the disk
	Interval Durability = "interval" // when the kernel has it; the disk follows within 250 ms
)

// Config of the embedded server.
type Config struct {
	DataDir       string                // holds the store (nats/) and the credentials files
	Listen        string                // host:port for clients outside this process; empty = none
	TLSCert       string                // PEM file with the certificate for Listen; empty = no TLS
	TLSKey        string                // PEM file with its key
	Insecure      bool                  // allow a Listen that is not loopback without TLS
	Durability    Durability            // default fsync
	MaxStore      int64                 // bytes for all streams; 0 = what the disk has, at most 25 GiB
	ResultsPerJob int64                 // results kept for each job; default 1000
	Bundle        *cluster.Bundle       // makes it a machine of a cluster; nil = alone
	Version       string                // of this program, which the machines of a cluster tell each other
	Waits         func(why string)      // told what Start waits for; nil = nobody
	Reserve       *reserve.Reserve      // what is kept free on the disk of DataDir; nil = nothing
	Metrics       prometheus.Registerer // where the figures are shown; nil = nowhere
	Log           *slog.Logger
}

// signing tells when the accounts of the roles are to be signed.
func (c Config) signing() signing {
	switch {
	case c.Bundle != nil:
		return atOnce
	case c.Listen != "":
		return asked
	}
	return never
}

// Validate reports every fault of the config.
func (c Config) Validate() error {
	var errs []error
	fault := func(field, format string, args ...any) {
		errs = append(errs, events.Faultf(events.Invalid, field, format, args...))
	}
	if c.DataDir == "" {
		fault("data", "is required: the folder that keeps everything")
	}
	if c.Durability != Fsync && c.Durability != Interval {
		fault("durability", "%q is neither fsync nor interval", c.Durability)
	}
	if c.MaxStore != 0 && c.MaxStore < minStore {
		fault("max-store", "%s is too little: at least %s", spelling.FormatSize(c.MaxStore), spelling.FormatSize(minStore))
	}
	if c.ResultsPerJob < 10 {
		fault("results-per-job", "%d is too few: at least 10", c.ResultsPerJob)
	}
	return errors.Join(errs...)
}

// minStore leaves every stream room for a few messages.
const minStore = 32 << 20
