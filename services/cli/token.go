package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events/spelling"
	"spool.internal/gateway/client"
)

// TokenCommand is the noun of who may call; further are its verbs that ask no server.
func TokenCommand(further ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Create, list and revoke API tokens, as an administrator"}
	cmd.AddCommand(tokenCreate(), tokenList(), tokenRevoke())
	cmd.AddCommand(further...)
	return cmd
}

// checkExpires refuses an --expires that the server would refuse.
func checkExpires(text string) error {
	if _, err := time.Parse(time.RFC3339, text); err == nil || text == "" {
		return nil
	}
	if _, err := spelling.Duration(text); err != nil {
		return fmt.Errorf("expires: %q is neither a duration like 90m, 12h or 30d nor a time like 2027-01-31T12:00:00Z", text)
	}
	return nil
}

func tokenCreate() *cobra.Command {
	var owner, role, expires, note string
	var paths []string
	cmd := &cobra.Command{
		Use: "create", Short: "Create a token and print it; it is shown only once", Args: cobra.NoArgs,
		Example: "  spool token create --owner ann --role operator --expires 30d --note 'her laptop'",
	}
	cmd.PreRunE = func(*cobra.Command, []string) error { return checkExpires(expires) }
	verb(cmd, func(ctx context.Context, s *session, _ []string) error {
		body := client.CreateTokenJSONRequestBody{Owner: owner, Role: client.Role(role), Expires: given(expires), Note: given(note)}
		if cmd.Flags().Changed("path") {
			body.Paths = &paths
		}
		made, err := read[client.NewToken](s.CreateToken(ctx, body))
		if err != nil {
			return err
		}
		return s.out.made(made.raw, made.value.Id, "%s", clean(made.value.Token))
	})
	f := cmd.Flags()
	f.StringVar(&owner, "owner", "admin", "user whose jobs the token reaches")
	f.StringVar(&role, "role", "operator", "admin, operator or viewer")
	f.StringVar(&expires, "expires", "", "when it expires: a duration such as 30d, or an RFC 3339 time (default: never)")
	f.StringVar(&note, "note", "", "what it is for")
	f.StringArrayVar(&paths, "path", nil, "what the token reaches on the drives, with everything below it: 'owner/', 'owner/repo/fs/drive/folder'; may be given more than once (default: OWNER/; administrators reach everything)")
	oneOf(cmd, "role", "operator", "viewer", "admin")
	return cmd
}

func tokenList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the tokens, without their secrets", Args: cobra.NoArgs}
	return verb(watchable(cmd), func(ctx context.Context, s *session, _ []string) error {
		return list(s, tokenTable(s.out), pages[client.Token]("tokens", 0, func(token *string, most int) (*http.Response, error) {
			return s.ListTokens(ctx, &client.ListTokensParams{PageToken: token, Limit: &most})
		}))
	})
}

func tokenTable(p *printer) table[client.Token] {
	return table[client.Token]{
		columns: []column[client.Token]{
			{"id", func(t client.Token) string { return t.Id }},
			{"owner", func(t client.Token) string { return t.Owner }},
			{"role", func(t client.Token) string { return string(t.Role) }},
			{"note", func(t client.Token) string { return value(t.Note) }},
			{"used", func(t client.Token) string { return p.orNever(t.LastUsed) }},
			{"expires", func(t client.Token) string { return p.orNever(t.Expires) }},
			{"reaches", func(t client.Token) string { return reach(t.Role, t.Paths) }},
			{"created", func(t client.Token) string { return p.time(t.Created, "") }},
			{"by", func(t client.Token) string { return value(t.MadeBy) }},
			{"kind", func(t client.Token) string { return string(t.Kind) }},
		},
		shown: 7,
		name:  func(t client.Token) string { return t.Id },
		empty: "There are no tokens.",
	}
}

// orNever shows a time, or that there is none.
func (p *printer) orNever(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return p.time(*t, "")
}

// reach returns in words what a token reaches.
func reach(role client.Role, paths *[]string) string {
	switch {
	case role == "admin":
		return "all"
	case paths == nil:
		return "all (made before tokens had paths)"
	default:
		return strings.Join(*paths, ", ")
	}
}

func tokenRevoke() *cobra.Command {
	cmd := &cobra.Command{Use: "revoke ID…", Short: "Revoke tokens; they are refused from now on", Args: cobra.MinimumNArgs(1)}
	return verb(cmd, func(ctx context.Context, s *session, ids []string) error {
		return revoke(s, ids, func(id string) error {
			_, err := read[any](s.RevokeToken(ctx, id))
			return err
		})
	})
}

// revoke takes away what is named, each by one call.
func revoke(s *session, names []string, take func(string) error) error {
	for i, name := range names {
		if err := take(name); err != nil {
			if err = s.explain(err); i > 0 {
				err = failure(Partly, "%d of %d are revoked; %s: %w", i, len(names), clean(name), err)
			}
			return err
		}
		if s.out.form == "name" {
			if err := s.out.line("%s", clean(name)); err != nil {
				return err
			}
		}
	}
	if s.out.form == "table" || s.out.form == "name" {
		return nil
	}
	return s.out.data(encode(names))
}
