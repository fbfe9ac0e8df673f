package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func profileCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "profile", Short: "Show the profiles that jobs may name to be granted more"}
	cmd.AddCommand(profileListCommand(), profileShowCommand())
	return cmd
}

type shownProfile struct {
	Name  string   `json:"name"`
	Host  string   `json:"host"`
	Lines []string `json:"lines"`
}

func (r *remote) profiles(ctx context.Context) ([]shownProfile, error) {
	c, err := r.open()
	if err != nil {
		return nil, err
	}
	var all struct {
		Profiles []shownProfile `json:"profiles"`
	}
	err = c.call(ctx, http.MethodGet, "/api/v2/profiles", nil, &all)
	return all.Profiles, err
}

func profileListCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "list", Short: "List the profiles that the token's owner may name; an administrator may name all", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := r.profiles(cmd.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tHOST\tGRANTS")
			for _, p := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\n", p.Name, p.Host, strings.Join(p.Lines, "; "))
			}
			return w.Flush()
		},
	}
	r.flags(cmd.Flags())
	return cmd
}

func profileShowCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show a profile as it is declared, without the values of its variables", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			all, err := r.profiles(cmd.Context())
			if err != nil {
				return err
			}
			found := false
			for _, p := range all {
				if p.Name == names[0] {
					found = true
					fmt.Fprintf(cmd.OutOrStdout(), "# on %s\n%s:\n    %s\n", p.Host, p.Name, strings.Join(p.Lines, "\n    "))
				}
			}
			if !found {
				return errors.New("no such profile: `spool profile list` prints those that you may name")
			}
			return nil
		},
	}
	r.flags(cmd.Flags())
	return cmd
}
