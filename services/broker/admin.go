package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events/jet"
	"spool.internal/services/broker/cluster"
)

// Admin is a command's way into the NATS server of this machine, with every right.
type Admin struct {
	keys *keys
	via  socket
	home *nats.Conn
	sys  *nats.Conn
}

// Control connects a command to the server that runs on a data folder, through its control socket.
// The keys are those of the folder, or, when bundleDir is not "", those of the bundle.
func Control(ctx context.Context, dataDir, bundleDir string) (*Admin, error) {
	k, err := controlKeys(dataDir, bundleDir)
	if err != nil {
		return nil, err
	}
	socket := socket(filepath.Join(dataDir, controlFile))
	a := &Admin{keys: k, via: socket}
	if _, err := os.Stat(string(socket)); err != nil {
		return nil, fmt.Errorf("no spool runs with --data %s: start it first: %w", dataDir, err)
	}
	home, err1 := userOf(k.Account, "", "spool-control", time.Time{})
	system, err2 := userOf(k.System, "", "spool-control", time.Time{})
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if a.home, err = socket.connect(ctx, home); err == nil {
		a.sys, err = socket.connect(ctx, system)
	}
	if err != nil {
		a.Close()
		return nil, fmt.Errorf("spool with --data %s cannot be reached through %s: %w", dataDir, socket, err)
	}
	return a, nil
}

// NATS is a connection in the account that has the streams, where it may do everything.
func (a *Admin) NATS() *nats.Conn { return a.home }

// Bus is another connection there, with what Spool knows of the streams; the caller closes it.
func (a *Admin) Bus(ctx context.Context, name string, log *slog.Logger) (*jet.Bus, error) {
	creds, err := userOf(a.keys.Account, "", "spool-control", time.Time{})
	if err != nil {
		return nil, err
	}
	return jet.Connect(ctx, jet.Options{Server: a.via, CredsText: creds, Name: name, Log: log})
}

// System is a connection in the server's system account.
func (a *Admin) System() *nats.Conn { return a.sys }

// Close ends both connections.
func (a *Admin) Close() {
	for _, nc := range []*nats.Conn{a.home, a.sys} {
		if nc != nil {
			nc.Close()
		}
	}
}

func controlKeys(dataDir, bundleDir string) (*keys, error) {
	if bundleDir != "" {
		b, err := cluster.Load(bundleDir)
		if err != nil {
			return nil, fmt.Errorf("bundle: %w", err)
		}
		return parseKeys(b.Path(cluster.Keys), b.Text(cluster.Keys))
	}
	file := filepath.Join(dataDir, "nats", "keys.json")
	k, text, err := readKeys(file)
	if err == nil && text == nil {
		err = fmt.Errorf("%s is missing: --data is no data folder of a Spool", file)
	}
	return k, err
}

// parseKeys reads keys that must be there.
func parseKeys(file string, text []byte) (*keys, error) {
	k := &keys{}
	err := json.Unmarshal(text, k)
	if err == nil {
		err = k.sound()
	}
	if err != nil {
		return nil, fmt.Errorf("%s does not hold the keys of a NATS server (%w)", file, err)
	}
	return k, nil
}

// socket is the control socket of a data folder, as a client sees it.
type socket string

// InProcessConn makes one more connection; the client's reconnecting calls it, too.
func (s socket) InProcessConn() (conn net.Conn, err error) {
	err = reachable(string(s), func(path string) (err error) {
		conn, err = net.DialTimeout("unix", path, 5*time.Second)
		return err
	})
	return conn, err
}

func (s socket) connect(ctx context.Context, creds []byte) (*nats.Conn, error) {
	type made struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan made, 1)
	go func() { // ends after the client's timeout, at the latest
		nc, err := nats.Connect("", nats.InProcessServer(s), nats.UserCredentialBytes(creds), nats.Name("spool-control"),
			nats.Timeout(10*time.Second), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
		done <- made{nc, err}
	}()
	select {
	case m := <-done:
		return m.nc, m.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
