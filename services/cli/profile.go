package cli

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// profileCommand is the noun of what administrators grant to flows.
func profileCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "profile", Short: "Show the profiles that jobs may name to be granted more"}
	cmd.AddCommand(profileList(), profileShow())
	return cmd
}

func profileTable() table[client.Profile] {
	return table[client.Profile]{
		columns: []column[client.Profile]{
			{"name", func(p client.Profile) string { return p.Name }},
			{"host", func(p client.Profile) string { return p.Host }},
			{"grants", func(p client.Profile) string { return strings.Join(p.Lines, "; ") }},
			{"owners", func(p client.Profile) string { return strings.Join(value(p.Owners), ", ") }},
		},
		shown: 3,
		name:  func(p client.Profile) string { return p.Name },
		empty: "There is no profile that you may name.",
	}
}

func profileList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the profiles that the token's owner may name; an administrator may name all", Args: cobra.NoArgs}
	return verb(watchable(cmd), func(ctx context.Context, s *session, _ []string) error {
		return list(s, profileTable(), firstPage[client.Profile]("profiles", func(*string, int) (*http.Response, error) { return s.ListProfiles(ctx) }))
	})
}

func profileShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "Show a profile as it is declared, without the values of its variables", Args: cobra.ExactArgs(1)}
	return verb(cmd, func(ctx context.Context, s *session, names []string) error {
		return one(s, func() (row[[]client.Profile], error) {
			all, err := read[struct{ Profiles []client.Profile }](s.ListProfiles(ctx))
			if err != nil {
				return row[[]client.Profile]{}, err
			}
			var found []client.Profile
			for _, p := range all.value.Profiles {
				if p.Name == names[0] {
					found = append(found, p)
				}
			}
			if len(found) == 0 {
				return row[[]client.Profile]{}, failure(NotFound, "no such profile: `spool profile list` prints those that you may name")
			}
			return row[[]client.Profile]{raw: encode(found), value: found}, nil
		}, func([]client.Profile) string { return names[0] }, showProfiles)
	})
}

// showProfiles prints a profile as each host declares it.
func showProfiles(p *printer, found row[[]client.Profile]) error {
	for _, one := range found.value {
		lines := make([]string, len(one.Lines))
		for i, line := range one.Lines {
			lines[i] = clean(line)
		}
		if err := p.line("# on %s\n%s:\n    %s", clean(one.Host), clean(one.Name), strings.Join(lines, "\n    ")); err != nil {
			return err
		}
	}
	return nil
}
