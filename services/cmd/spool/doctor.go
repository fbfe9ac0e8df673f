package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"spool.internal/events/system"
	"spool.internal/services/broker"
	"spool.internal/services/broker/store"
	"spool.internal/services/cli"
	"spool.internal/services/runner"
)

func doctorCommand() *cobra.Command {
	return cli.DoctorCommand(cli.Probes{Lacks: runner.HostLacks, Store: storeLine})
}

// storeLine says how the store of a server is that does not answer. It changes nothing.
func storeLine(data string) system.Line {
	l := system.Line{Name: "store", Kind: system.KindData, State: system.OK, Means: "It is whole, and no server uses it."}
	if _, err := os.Stat(data); err != nil {
		l.State, l.Means = system.Unknown, "There is none to look at."
		return l
	}
	dir, err := broker.Store(data)
	if err != nil {
		l.State, l.Means, l.Detail = system.Unknown, "The data folder holds no store; that of a service alone has none.", err.Error()
		return l
	}
	release, err := broker.Lock(data)
	if err != nil {
		l.State, l.Means, l.Detail = system.Unknown, "A process uses it, so it cannot be looked at.", err.Error()
		l.Todo = "See in its log why it does not answer."
		return l
	}
	shared, err := ofCluster(data)
	var lost []string
	if err == nil {
		lost, err = store.Look(data, dir, shared)
	}
	err = errors.Join(err, release())
	switch {
	case err != nil:
		l.State, l.Means, l.Detail = system.Failed, "It cannot be read.", err.Error()
		l.Todo = "Restore the data folder from a backup; spool store check says more."
	case len(lost) > 0:
		l.State, l.Means = system.Failed, "Some of it is lost: the server does not start before that is repaired or accepted."
		l.Detail = oneLine(&store.Damage{DataDir: data, Lost: lost, Shared: shared})
		l.Todo = "Restore the data folder from a backup, or accept the loss by spool store accept-loss."
		if shared {
			l.Todo = "When spool cluster status on another machine shows every stream current there, run spool store accept-loss here: the next start fetches everything from the others."
		}
	}
	return l
}
