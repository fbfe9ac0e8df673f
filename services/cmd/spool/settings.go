package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// settings are the flags of a process: the groups that its services need. serve has
// those of all services, the command of a role those of one.
type settings struct {
	role string // the one service of this process; "" = all of them
	demo bool   // never one of a cluster

	common   common
	nats     natsOptions
	place    place
	zone     zone
	quota    quota
	reserve  spare
	domains  domains
	broker   brokerOptions
	bundle   bundleOptions
	runner   runnerOptions
	notify   notifyOptions
	dispatch dispatcherOptions
	cron     cronOptions
	stage    stageOptions
	gateway  gatewayOptions
}

// flagGroup is flags that belong together.
type flagGroup interface {
	flags(f *pflag.FlagSet, alone bool)
	check(s *settings) error // everything that is wrong with their values
}

// alone reports whether the other services are processes of their own.
func (s *settings) alone() bool { return s.role != "" }

// groups returns the groups of these services, each once.
func (s *settings) groups(of ...service) (all []flagGroup) {
	all = []flagGroup{&s.common}
	switch s.role {
	case "", brokerRole:
		all = append(all, &s.broker, &s.reserve)
		if !s.demo {
			all = append(all, &s.bundle)
		}
	default:
		all = append(all, &s.nats)
	}
	for _, one := range of {
		for _, group := range one.groups(s) {
			if !slices.Contains(all, group) {
				all = append(all, group)
			}
		}
	}
	return all
}

// declare adds the flags of some services to a command, which reports everything that is
// wrong with them before anything is created or started.
func (s *settings) declare(cmd *cobra.Command, of ...service) {
	groups := s.groups(of...)
	for _, group := range groups {
		group.flags(cmd.Flags(), s.alone())
	}
	checked(cmd, func() error {
		var faults []error
		for _, group := range groups {
			faults = append(faults, group.check(s))
		}
		return errors.Join(faults...)
	})
}
