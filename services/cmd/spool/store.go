package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"spool.internal/events"
	"spool.internal/services/broker"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/broker/store"
	"spool.internal/services/daemon"
)

// stayLost keeps a process running that must not use its data folder: not ready, with the
// reason on /readyz, until it is stopped. It returns any other error at once.
func stayLost(ctx context.Context, p *daemon.Process, l daemon.Listener, err error) error {
	lost, ok := errors.AsType[*broker.Lost](err)
	if !ok {
		return err
	}
	p.Log.Error("not ready: nothing is served until this is repaired", "error", lost.Error())
	p.OnCheck("store", func() error { return lost })
	refusal := events.Encode(map[string]string{"status": "ERROR", "msg": "the server's store is damaged, so nothing is served: its operator has to repair it"})
	_, listening := p.Serve("api", l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		w.Write(refusal) //nolint:errcheck // the client has gone
	}))
	if listening == nil {
		<-ctx.Done()
	}
	return errors.Join(err, listening)
}

func storeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: "Check the store of a stopped server, and go on without what it has lost"}
	cmd.AddCommand(storeCheckCommand(), storeAcceptCommand())
	return cmd
}

func storeCheckCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "check", Short: "Report what the store has lost, and change nothing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(data, func(dir string) error {
				shared, err := ofCluster(data)
				if err != nil {
					return err
				}
				lost, err := store.Look(data, dir, shared)
				if err != nil {
					return err
				}
				if len(lost) > 0 {
					return &store.Damage{DataDir: data, Lost: lost, Shared: shared}
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "the store is whole")
				return err
			})
		},
	}
	cmd.Flags().StringVar(&data, "data", "spool-data", "data folder of the server, which must be stopped")
	return cmd
}

func storeAcceptCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "accept-loss",
		Short: "Remove what cannot be read from the store, and let the next start accept that loss",
		Long: `Remove what cannot be read from the store, print what is lost, and let the next start
accept exactly that. Copies of the damaged files stay in the data folder. If you have
a backup of the data folder, restore it instead.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(data, func(dir string) error { return acceptLoss(cmd.OutOrStdout(), data, dir) })
		},
	}
	cmd.Flags().StringVar(&data, "data", "spool-data", "data folder of the server, which must be stopped")
	return cmd
}

// ofCluster reports whether other machines have what is stored, too.
func ofCluster(data string) (bool, error) {
	m, err := cluster.ReadMark(data)
	return m != nil, err
}

func acceptLoss(w io.Writer, data, dir string) error {
	if shared, err := ofCluster(data); shared || err != nil {
		return putAside(w, data, dir, err)
	}
	lost, kept, err := store.AcceptLoss(data, dir)
	if err != nil {
		return err
	}
	if len(lost) == 0 {
		_, err := fmt.Fprintln(w, "the store is whole: there is nothing to accept")
		return err
	}
	for _, what := range lost {
		fmt.Fprintln(w, "lost: "+what)
	}
	_, err = fmt.Fprintf(w, "accepted: the next start goes on without it; the damaged files are kept in %s\n", kept)
	return err
}

// putAside has a machine of a cluster fetch what is stored from the others.
func putAside(w io.Writer, data, dir string, err error) error {
	if err != nil {
		return err
	}
	lost, err := store.Look(data, dir, true)
	if err != nil {
		return err
	}
	if len(lost) == 0 {
		_, err := fmt.Fprintln(w, "the store is whole: there is nothing to accept")
		return err
	}
	kept, err := store.PutAside(data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "the damaged copy is kept in %s; the next start fetches everything from the other machines: start it when spool cluster status on one of them shows every stream current there\n", kept)
	return err
}

// withStore locks a data folder and finds its streams.
func withStore(data string, f func(dir string) error) error {
	dir, err := broker.Store(data)
	if err != nil {
		return err
	}
	release, err := broker.Lock(data)
	if err != nil {
		return err
	}
	return errors.Join(f(dir), release())
}
