package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"spool.internal/services/daemon"
)

// natsTLS are the files with which a role and a NATS know each other. All are read again
// at each connection, so that a renewed certificate needs no restart.
type natsTLS struct{ ca, cert, key string }

func (t *natsTLS) flags(f *pflag.FlagSet) {
	f.StringVar(&t.ca, "nats-ca", "", "PEM file with the authorities that sign certificates of --nats-url tls://… (default: the system's)")
	f.StringVar(&t.cert, "nats-cert", "", "certificate that this process shows to --nats-url tls://…, a PEM file; read again at each connection")
	f.StringVar(&t.key, "nats-key", "", "key of that certificate, a PEM file")
}

func (t *natsTLS) check() error {
	var pair error
	if t.cert != "" || t.key != "" {
		_, pair = daemon.Certificate("nats-cert", t.cert, "nats-key", t.key)
	}
	return errors.Join(authorities(t.ca), pair)
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
