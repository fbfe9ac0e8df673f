package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"spool.internal/events/jet"
	"spool.internal/services/broker"
	"spool.internal/services/broker/backup"
	"spool.internal/services/broker/cluster"
)

// restoring are the flags of spool restore.
type restoring struct {
	opening
	data, bundle string
	replicas     int
	keepTokens   bool
	hold         bool
}

func restoreCommand() *cobra.Command {
	var o restoring
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Restore a backup: into an empty data folder, or into a new cluster that waits for it",
		Long: `Restore a backup into an empty data folder, whose server does not run, or, with the --bundle of
a machine that runs, into a new cluster that was made by spool cluster init --restore. The file is
read to its end before anything is changed, and every message and consumer is compared before the
store is used. It is the one way to grow, to shrink, to move and to recover.

The restored store is on hold: its API answers, and nothing is fired, dispatched or run until
spool release. See first that nothing runs on the old store any more. --hold=false goes at once.

API tokens, sessions and subscribers of the backup are dropped, since one that was revoked since
would live again; the administrator of the keys or of the bundle stays. --keep-tokens keeps them.`,
		Example: `  spool restore spool.backup --data /var/lib/spool --identity key.txt
  spool restore spool.backup --data /var/lib/spool --bundle m1       # on m1, while spool serve --bundle runs on all machines`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "spool-data", "data folder to fill; with a cluster that of the machine that runs here")
	f.StringVar(&o.bundle, "bundle", "", "folder of this machine that spool cluster init --restore made; or, for one machine, a folder with the keys of the store, such as a copy of its old data folder")
	f.IntVar(&o.replicas, "replicas", 0, "with a cluster, on how many machines each message is stored (default 3)")
	f.BoolVar(&o.keepTokens, "keep-tokens", false, "keep the API tokens and the subscribers of the backup, also those that were revoked since; sessions go")
	f.BoolVar(&o.hold, "hold", true, "fire and dispatch nothing until spool release")
	o.flags(f)
	return cmd
}

func (o *restoring) run(ctx context.Context, cmd *cobra.Command, name string) error {
	c, done, err := o.open(cmd, name)
	if err != nil {
		return err
	}
	defer done()
	from, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	in := backup.Into{From: from, Replicas: o.replicas, KeepTokens: o.keepTokens}
	if o.hold {
		in.Held = "restored from a backup of " + c.Made.Format(time.RFC3339)
	}
	b, err := clusterBundle(o.bundle)
	if err != nil {
		return err
	}
	began := time.Now()
	report, end := reportTo(cmd, "restore")
	in.Report = report
	var out *backup.Outcome
	if b != nil {
		out, err = o.toCluster(ctx, b, c, in)
	} else {
		out, err = o.toMachine(ctx, c, in)
	}
	end()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := comparison(cmd.OutOrStdout(), name, c, out); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "restored in %s, as of %s\n", time.Since(began).Round(100*time.Millisecond), c.Made.Format(time.RFC3339))
	o.explain(cmd.OutOrStdout(), b, c, out)
	return nil
}

// clusterBundle reads the bundle of a machine; nil is a folder with keys only, or none.
func clusterBundle(dir string) (*cluster.Bundle, error) {
	if dir == "" {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(dir, cluster.Certificate)); err != nil {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("bundle: %s is no folder: give the bundle of this machine, or a folder with the keys of the store", dir)
		}
		return nil, nil
	}
	b, err := cluster.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return b, nil
}

func (o *restoring) toMachine(ctx context.Context, c *backup.Checked, in backup.Into) (*backup.Outcome, error) {
	keys, where := c.KeyFiles, "the backup"
	if o.bundle != "" {
		var err error
		if keys, err = backup.ReadKeys(o.bundle); err != nil {
			return nil, err
		}
		where = o.bundle
	}
	if err := c.Fits(keys, where); err != nil {
		return nil, err
	}
	return backup.ToMachine(ctx, o.data, c, backup.ShareKeys(keys), in)
}

func (o *restoring) toCluster(ctx context.Context, b *cluster.Bundle, c *backup.Checked, in backup.Into) (*backup.Outcome, error) {
	if in.Replicas == 0 {
		in.Replicas = 3
	}
	keys, err := backup.ReadKeys(o.bundle)
	if err != nil {
		return nil, err
	}
	if err := c.Other(b); err != nil {
		return nil, err
	}
	if err := c.Fits(keys, "the bundle"); err != nil {
		return nil, err
	}
	admin, err := broker.Control(ctx, o.data, o.bundle)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	return backup.ToCluster(ctx, admin.NATS(), c, in)
}

// explain says what a person has to know of a restored store.
func (o *restoring) explain(w io.Writer, b *cluster.Bundle, c *backup.Checked, done *backup.Outcome) {
	switch {
	case o.keepTokens:
		fmt.Fprintf(w, "API tokens and subscribers of the backup live again, also those revoked since: spool token list, spool subscriber list; %d sessions were dropped\n", done.Sessions)
	default:
		fmt.Fprintf(w, "dropped: %d API tokens, %d sessions; revoked: %d subscribers; the administrator's token is that of the keys, or a new one in DATA/admin.token\n",
			done.Tokens, done.Sessions, done.Subscribers)
	}
	fmt.Fprintf(w, "newer than the backup and done again from %s on: slots, by each job's catch_up; files that still lie in their folders. Requests since then are lost\n", c.Made.Format(time.RFC3339))
	if b != nil {
		fmt.Fprintf(w, "the store is that of the cluster %s (%s): machines of another cannot join\n", b.Name, b.ID)
	}
	next := "spool serve --data " + o.data
	if b != nil {
		next = "the machines go on"
	}
	if o.hold {
		fmt.Fprintf(w, "on hold: %s, then look at it, see that the old store is stopped, and let it go on: spool release --data %s%s\n", next, o.data, bundleFlag(o.bundle, b))
		return
	}
	fmt.Fprintf(w, "not on hold: %s, and it goes on at once\n", next)
}

func bundleFlag(dir string, b *cluster.Bundle) string {
	if b == nil {
		return ""
	}
	return " --bundle " + dir
}

func releaseCommand() *cobra.Command {
	var data, bundle string
	cmd := &cobra.Command{
		Use:   "release",
		Short: "Let a restored store go on: from now on it fires, dispatches and runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, err := openSource(cmd.Context(), data, bundle)
			if err != nil {
				return err
			}
			held, err := release(cmd.Context(), source.admin)
			if err := errors.Join(err, source.close()); err != nil {
				return err
			}
			if held == "" {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "it was not on hold")
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "it goes on (it was on hold: %s)\n", held)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", "spool-data", "data folder of the server")
	cmd.Flags().StringVar(&bundle, "bundle", "", "folder of this machine that spool cluster init made, where it is one of a cluster")
	return cmd
}

// release ends the hold and says what it was for.
func release(ctx context.Context, admin *broker.Admin) (held string, err error) {
	js, err := jetstream.New(admin.NATS())
	if err != nil {
		return "", err
	}
	return held, jet.WriteMarks(ctx, js, func(m *jet.Marks) { held, m.Held = m.Held, "" })
}
