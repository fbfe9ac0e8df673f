package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// whoamiCommand says which server it is, and as whom.
func whoamiCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "whoami", Short: "Say which server is asked, as whom, and what the token may do", Args: cobra.NoArgs}
	return verb(cmd, func(ctx context.Context, s *session, _ []string) error {
		begun := time.Now()
		got, err := read[client.Me](s.GetMe(ctx))
		if err != nil {
			return err
		}
		away := got.value.Server.Time.Sub(begun.Add(time.Since(begun) / 2))
		return one(s, func() (row[client.Me], error) { return got, nil }, func(m client.Me) string { return m.Owner },
			func(p *printer, got row[client.Me]) error { return showMe(p, s.server, got.value, away) })
	})
}

// clockSlack is how far clocks may differ before it is said.
const clockSlack = 2 * time.Second

// showMe prints who one is, for people; away is how far ahead the server's clock is.
func showMe(p *printer, at server, m client.Me, away time.Duration) error {
	clock := p.wall(m.Server.Time.Truncate(time.Second), m.Server.Timezone)
	switch {
	case away > clockSlack:
		clock += ", " + rough(away) + " ahead of this machine"
	case away < -clockSlack:
		clock += ", " + rough(-away) + " behind this machine"
	}
	paths := m.Token.Paths
	if m.Token.AllPaths != nil {
		paths = nil
	}
	return p.fields(fields{
		{"user", m.Owner},
		{"role", string(m.Role)},
		{"reaches", reach(m.Role, paths)},
		{"token", m.Token.Id},
		{"note", value(m.Token.Note)},
		{"expires", p.orNever(m.Token.Expires)},
		{"server", at.url},
		{"from", at.from},
		{"context", at.context},
		{"name", value(m.Server.Name)},
		{"version", m.Server.Version},
		{"clock", clock},
		{"zone", m.Server.Timezone},
	})
}
