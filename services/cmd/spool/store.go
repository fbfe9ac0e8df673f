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
	"spool.internal/services/broker/store"
	"spool.internal/services/daemon"
)

// stayLost keeps a process up that must not use its data folder, not ready and with the
// reason on /readyz, until it is stopped. Any other error it gives back at once.
func stayLost(ctx context.Context, p *daemon.Process, l daemon.Listener, err error) error {
	lost, ok := errors.AsType[*broker.Lost](err)
	if !ok {
		return err
	}
	p.Log.Error("not ready, and nothing is served before this is put right", "error", lost.Error())
	p.OnCheck("store", func() error { return lost })
	refusal := events.Encode(map[string]string{"status": "ERROR", "msg": "the server's store is damaged, and nothing is served: its operator has to put it right"})
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
	cmd := &cobra.Command{Use: "store", Short: "Look at the store of a server that is stopped, and go on without what it has lost"}
	cmd.AddCommand(storeCheckCommand(), storeAcceptCommand())
	return cmd
}

func storeCheckCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "check", Short: "Say what the store has lost, and change nothing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(data, func(dir string) error {
				lost, err := store.Look(data, dir)
				if err != nil {
					return err
				}
				if len(lost) > 0 {
					return &store.Damage{DataDir: data, Lost: lost}
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "the store is whole")
				return err
			})
		},
	}
	cmd.Flags().StringVar(&data, "data", "spool-data", "data folder of the server, which must not run")
	return cmd
}

func storeAcceptCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "accept-loss",
		Short: "Take out of the store what cannot be read, and have the next start accept that this is lost",
		Long: `Take out of the store what cannot be read, say what is lost, and have the next start
accept just that. Copies of the damaged files are kept in the data folder. To restore
the data folder from your backup is better: then do not run this.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(data, func(dir string) error { return acceptLoss(cmd.OutOrStdout(), data, dir) })
		},
	}
	cmd.Flags().StringVar(&data, "data", "spool-data", "data folder of the server, which must not run")
	return cmd
}

func acceptLoss(w io.Writer, data, dir string) error {
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
	_, err = fmt.Fprintf(w, "accepted: the next start goes on without that; what was damaged is kept in %s\n", kept)
	return err
}

// withStore takes a data folder for itself and finds its streams.
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
