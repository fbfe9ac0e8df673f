package main

import (
	_ "embed"
	"io"

	"github.com/spf13/cobra"
)

// licenses are of Spool and of every module that is linked into it; make licenses
// writes them.
//
//go:embed licenses.txt
var licenses string

func licensesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "licenses",
		Short: "Print the licence of Spool, and each module that is part of it with its version and licence",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), licenses)
			return err
		},
	}
}
