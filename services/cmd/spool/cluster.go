package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events"
	"spool.internal/events/seal"
	"spool.internal/services/broker"
	"spool.internal/services/broker/backup"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/notify"
)

func clusterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "cluster", Short: "Make a cluster of three machines, look at it, and change it",
		Long: `Make a cluster of three machines, look at it, and change it. Each machine runs
spool serve --bundle with the folder that init made for it; every message is stored on
three machines before it counts, so that any one of them may be lost. The commands but
init, add and remove are run on one of the machines, with its --data.`,
	}
	cmd.AddCommand(
		clusterInitCommand(), clusterStatusCommand(), clusterAddCommand(), clusterRemoveCommand(), clusterStepDownCommand(),
		clusterRescueCommand(), clusterNATSConfCommand(),
	)
	return cmd
}

func clusterInitCommand() *cobra.Command {
	var name, dir, keys string
	var restore bool
	cmd := &cobra.Command{
		Use:   "init NAME=ADDRESS NAME=ADDRESS NAME=ADDRESS…",
		Short: "Make the bundles of a new cluster, one for each machine",
		Long: `Make the bundles of a new cluster: a folder for each machine, with the keys of its NATS
server, its certificate, and the secrets that all machines share. Copy each to its
machine, over a safe way. ca.key, beside them, signs the certificates of machines:
it belongs to no machine; keep it where you keep such keys.

ADDRESS is where the other machines reach this one: a host or an IP address, with a port
(default 6222). NAME is that of the machine, such as m1; drives and runs are known by it.`,
		Example: "  spool cluster init --name prod m1=10.0.0.1 m2=10.0.0.2 m3=10.0.0.3\n  spool serve --data /srv/spool --bundle m1      # on m1; likewise on m2 and m3",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			machines, err := cluster.ParseMachines(args)
			if err := errors.Join(cluster.CheckName(name), err, enough(machines)); err != nil {
				return misuse{cmd, err}
			}
			dir := cmp.Or(dir, name+".bundle")
			secrets, err := newSecrets(keys)
			if err != nil {
				return err
			}
			if err := cluster.Init(dir, name, machines, secrets, restore); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, m := range machines {
				fmt.Fprintf(out, "%s  is for %s (%s): spool serve --bundle %s …\n", filepath.Join(dir, m.Name), m.Name, m.Address, m.Name)
			}
			fmt.Fprintf(out, "%s  signs certificates: keep it safe, and on none of these machines\n", filepath.Join(dir, cluster.CAKey))
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name of the cluster, such as prod")
	cmd.Flags().StringVar(&dir, "dir", "", "folder to make (default NAME.bundle)")
	cmd.Flags().BoolVar(&restore, "restore", false, "the machines make nothing by themselves, and wait for spool restore")
	cmd.Flags().StringVar(&keys, "keys", "", "folder with the keys of the store that will be restored: its data folder or bundle, or what spool backup keys made (default: new ones)")
	return cmd
}

// enough refuses a cluster that could lose no machine.
func enough(machines []cluster.Machine) error {
	switch n := len(machines); {
	case n >= 3:
		return nil
	case n == 2:
		return errors.New("two machines gain nothing over one: when either is lost, the other is no majority, and nothing is stored any more. " +
			"Give a third: it may be a small one, on which `spool broker --bundle` runs alone, on anything with a disk")
	default:
		return errors.New("a cluster takes three machines, so that two are a majority when one is lost: give NAME=ADDRESS for each, such as m1=10.0.0.1 m2=10.0.0.2 m3=10.0.0.3; one machine needs no cluster")
	}
}

// newSecrets makes what all machines of a cluster share, but for what is in a folder of keys.
func newSecrets(from string) (cluster.Secrets, error) {
	had := map[string][]byte{}
	if from != "" {
		var err error
		if had, err = backup.OldKeys(from); err != nil {
			return nil, err
		}
	}
	keys, err := broker.NewKeys()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "spool-cluster-")
	if err != nil {
		return nil, fmt.Errorf("make secrets: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the key in it is the bundles', too
	file := filepath.Join(dir, cluster.SealKey)
	if _, err := seal.Load(file); err != nil {
		return nil, err
	}
	sealKey, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("make secrets: %w", err)
	}
	_, admin := events.NewToken("admin", events.Admin, time.Now())
	secrets := cluster.Secrets{
		cluster.Keys: keys, cluster.SealKey: sealKey, cluster.AdminToken: []byte(admin + "\n"),
		cluster.WebhookSecret: notify.NewSecret(), cluster.RunnerSecret: []byte(rand.Text() + rand.Text() + "\n"),
	}
	maps.Copy(secrets, had)
	return secrets, nil
}
