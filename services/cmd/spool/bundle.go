package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"spool.internal/services/broker/cluster"
)

// bundleOptions is the flag --bundle, of the processes that have the store.
type bundleOptions struct{ dir string }

func (o *bundleOptions) flags(f *pflag.FlagSet, _ bool) {
	f.StringVar(&o.dir, "bundle", "", "folder of this machine that spool cluster init made: makes it one of the cluster")
}

func (o *bundleOptions) check(*settings) error {
	_, err := o.load()
	return err
}

// load reads the bundle; without one it is nil.
func (o *bundleOptions) load() (*cluster.Bundle, error) {
	if o.dir == "" {
		return nil, nil
	}
	b, err := cluster.Load(o.dir)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return b, nil
}

// place is the name of the machine, where its drives and runs are: the bundle's, or that of
// --place. "" is no place: drives and runs are those of all machines.
func (in *instance) place() string {
	if in.bundle != nil {
		return in.bundle.Machine
	}
	return in.set.place.name
}
