package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"spool.internal/services/broker"
	"spool.internal/services/broker/cluster"
)

func clusterNATSConfCommand() *cobra.Command {
	var bundle, store string
	cmd := &cobra.Command{
		Use: "nats-conf", Short: "Print a bundle as the configuration of a nats-server", Args: cobra.NoArgs,
		Long: `Print a bundle as the configuration of a nats-server of your own, which is then a machine of the
cluster that runs no services of Spool. It trusts the same keys, and reaches the others by
the same certificates.`,
		Example: "  spool cluster nats-conf --bundle m3 > m3.conf && nats-server -c m3.conf",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(bundle)
			if err != nil {
				return err
			}
			b, err := cluster.Load(dir)
			if err != nil {
				return fmt.Errorf("bundle: %w", err)
			}
			text, err := broker.NATSConf(b, store)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().StringVar(&bundle, "bundle", "", "folder of the machine that spool cluster init made")
	cmd.Flags().StringVar(&store, "store", "/var/lib/nats", "folder in which the nats-server keeps its store")
	return cmd
}
