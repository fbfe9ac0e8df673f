package main

import (
	_ "embed"

	"github.com/spf13/cobra"

	"spool.internal/events/packed"
)

// licenses are of Spool and of every module that is linked into it, compressed; make licenses
// writes them.
//
//go:embed licenses.txt.gz
var licenses []byte

func licensesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "licenses",
		Short: "Print the licence of Spool, and each module that is part of it with its version and licence",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(packed.Text(licenses))
			return err
		},
	}
}
