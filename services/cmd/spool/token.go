package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"spool.internal/gateway"
	"spool.internal/services/broker"
	"spool.internal/services/cli"
)

func tokenCommand() *cobra.Command { return cli.TokenCommand(tokenResetAdminCommand()) }

func tokenResetAdminCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "reset-admin",
		Short: "Put a new admin token into the data folder of a stopped server",
		Long: `Put a new admin token into the data folder of a stopped server. At its next start the
server accepts this token and revokes the one before.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if info, err := os.Stat(data); err != nil || !info.IsDir() {
				return fmt.Errorf("data: %s is not a data folder: give that of the server", data)
			}
			release, err := broker.Lock(data)
			if err != nil {
				return fmt.Errorf("stop the server first: %w", err)
			}
			file, err := gateway.ResetAdmin(data)
			if err = errors.Join(err, release()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s holds a new token; the next start accepts it, and revokes the one before\n", file)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", "spool-data", "data folder of the server, which must be stopped")
	return cmd
}
