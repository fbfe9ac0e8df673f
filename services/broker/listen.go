package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/services/daemon"
)

// Check says all that is wrong with a config, before anything is started.
func (c Config) Check() error {
	err := c.Validate()
	if c.Listen != "" {
		err = errors.Join(err, c.listener(new(server.Options)))
	}
	return err
}

// listener makes the server listen for clients outside this process: with TLS, or
// where only this machine reaches it.
func (c Config) listener(opts *server.Options) error {
	// The server would only log a port that is taken, and wait: try it first.
	l, err := daemon.Listen(c.Listen)
	if err != nil {
		return fmt.Errorf("nats-listen: %w", err)
	}
	at := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil {
		return fmt.Errorf("nats-listen: %w", err)
	}
	if c.TLSCert != "" || c.TLSKey != "" {
		cert, err := daemon.Certificate("nats-tls-cert", c.TLSCert, "nats-tls-key", c.TLSKey)
		if err != nil {
			return err
		}
		opts.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	} else if !at.IP.IsLoopback() && !c.Insecure {
		return fmt.Errorf("nats-listen: %s can be reached from other machines and what is stored would travel in clear: "+
			"give --nats-tls-cert and --nats-tls-key, or --nats-insecure in a network of its own", c.Listen)
	}
	host, port, _ := net.SplitHostPort(c.Listen) // it was listened on
	opts.Host, opts.Port = host, at.Port
	if port == "0" {
		opts.Port = server.RANDOM_PORT
	}
	return nil
}
