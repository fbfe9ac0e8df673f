package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/gateway"
	"spool.internal/services/broker"
)

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Create, list and revoke API tokens, as an administrator"}
	cmd.AddCommand(tokenCreateCommand(), tokenListCommand(), tokenRevokeCommand(), tokenResetAdminCommand())
	return cmd
}

func tokenCreateCommand() *cobra.Command {
	var r remote
	var owner, role, expires string
	var paths []string
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Create a token and print it; it is shown only once",
		Example: "  spool token create --owner ann --role operator --expires 30d",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkExpires(expires); err != nil {
				return err
			}
			c, err := r.open()
			if err != nil {
				return err
			}
			body := map[string]any{"owner": owner, "role": role}
			if expires != "" {
				body["expires"] = expires
			}
			if cmd.Flags().Changed("path") {
				body["paths"] = paths
			}
			var made struct {
				Token string `json:"token"`
			}
			if err := c.call(cmd.Context(), http.MethodPost, "/api/v2/tokens", body, &made); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), made.Token)
			return err
		},
	}
	r.flags(cmd.Flags())
	cmd.Flags().StringVar(&owner, "owner", "admin", "user whose jobs the token reaches")
	cmd.Flags().StringVar(&role, "role", "operator", "admin, operator or viewer")
	cmd.Flags().StringVar(&expires, "expires", "", "when it expires: a duration such as 30d, or an RFC 3339 time (default: never)")
	cmd.Flags().StringArrayVar(&paths, "path", nil, "what the token reaches on the drives, with everything below it: 'owner/', 'owner/repo/fs/drive/folder'; may be given more than once (default: OWNER/; administrators reach everything)")
	return cmd
}

func tokenListCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "list", Short: "List the tokens, without their secrets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			var list struct {
				Tokens []struct {
					ID      string    `json:"id"`
					Owner   string    `json:"owner"`
					Role    string    `json:"role"`
					Created time.Time `json:"created"`
					Expires time.Time `json:"expires"`
					Paths   []string  `json:"paths"`
				} `json:"tokens"`
			}
			if err := c.call(cmd.Context(), http.MethodGet, "/api/v2/tokens", nil, &list); err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tOWNER\tROLE\tCREATED\tEXPIRES\tPATHS")
			for _, t := range list.Tokens {
				expires := "never"
				if !t.Expires.IsZero() {
					expires = t.Expires.Format(time.RFC3339)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Owner, t.Role, t.Created.Format(time.RFC3339), expires, pathsOf(t.Role, t.Paths))
			}
			return w.Flush()
		},
	}
	r.flags(cmd.Flags())
	return cmd
}

// pathsOf returns in words what a token reaches.
func pathsOf(role string, paths []string) string {
	switch {
	case role == "admin":
		return "all"
	case paths == nil:
		return "all (made before tokens had paths)"
	default:
		return strings.Join(paths, ", ")
	}
}

func tokenRevokeCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "Revoke a token; it is refused from now on", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			return c.call(cmd.Context(), http.MethodDelete, "/api/v2/tokens/"+url.PathEscape(args[0]), nil, nil)
		},
	}
	r.flags(cmd.Flags())
	return cmd
}

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
