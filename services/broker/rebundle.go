package broker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"spool.internal/events/wait"
	"spool.internal/services/broker/cluster"
)

// rebundleEvery is how often a machine looks at its bundle.
const rebundleEvery = 2 * time.Second

// rebundle takes in what changes in the bundle while the server runs, until ctx ends: which machines there
// are, and certificates. What would make it another machine, or one of another cluster, it leaves.
func (b *Broker) rebundle(ctx context.Context) {
	for said := ""; wait.Sleep(ctx, rebundleEvery) == nil; {
		next, err := cluster.Load(b.cfg.Bundle.Dir)
		if err == nil {
			err = b.takeIn(next)
		}
		if err == nil {
			said = ""
		} else if err.Error() != said {
			said = err.Error() // it may be being copied just now
			b.cfg.Log.Warn("what has changed in the bundle is not taken in yet", "error", said)
		}
	}
}

func (b *Broker) takeIn(next *cluster.Bundle) error {
	had := b.bundle.Load()
	if sameBundle(had, next) {
		return nil
	}
	if next.ID != had.ID || next.Machine != had.Machine || next.Address() != had.Address() {
		return fmt.Errorf("%s is now the bundle of %s at %s in the cluster %s: stop this machine to make it another", next.Dir, next.Machine, next.Address(), next.ID)
	}
	opts, err := b.options()
	if err == nil {
		err = member(opts, next)
	}
	if err == nil {
		err = b.srv.now().ReloadOptions(opts)
	}
	if err != nil {
		return fmt.Errorf("the NATS server does not take it: %w", err)
	}
	b.bundle.Store(next)
	b.cfg.Log.Info("the bundle has changed", "machines", strings.Join(next.Names(), ", "))
	return nil
}

func sameBundle(x, y *cluster.Bundle) bool {
	return slices.Equal(x.Machines, y.Machines) && x.ID == y.ID && x.Machine == y.Machine &&
		!slices.ContainsFunc([]string{cluster.CA, cluster.Certificate, cluster.PrivateKey}, func(file string) bool {
			return string(x.Text(file)) != string(y.Text(file))
		})
}
