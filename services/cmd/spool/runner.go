package main

import (
	"context"

	"github.com/gorilla/mux"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events/jet"
	"spool.internal/services/daemon"
	"spool.internal/services/runner"
)

func runnerCommand() *cobra.Command {
	r := &role{}
	var secretFile, pool string
	var flows int
	return service("runner", "Run the built-in runner alone", r, func(f *pflag.FlagSet) {
		r.place.flags(f)
		f.StringVar(&secretFile, "runner-secret-file", "", "file with the secret shared with the dispatcher; without it only Spool's tokens are accepted")
		f.StringVar(&pool, "pool", "default", "runners of one pool share its runs")
		f.IntVar(&flows, "flows", 0, "flows that run at once (default: 2 for each processor)")
	}, func(_ context.Context, p *daemon.Process, bus *jet.Bus) error {
		drives, err := r.open()
		if err != nil {
			return err
		}
		secret, err := readSecret(secretFile)
		if err != nil {
			return err
		}
		keys := jet.NewKeyring(bus)
		p.Go("keyring", keys.Run)
		run, err := runner.New(runner.Config{
			Bus: bus, Keys: keys, Drives: drives, DataDir: r.data, Pool: pool, Workers: flows, Secret: secret, Log: component(p, "runner"),
		})
		if err != nil {
			return err
		}
		p.Go("runner", run.Run)
		p.OnCheck("runner", run.Check)
		calls := mux.NewRouter()
		run.Routes(calls)
		_, err = p.Serve("api", r.listener(), calls)
		return err
	})
}
