package cli

import (
	"cmp"
	"context"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// systemCommand shows the parts of an installation.
func systemCommand() *cobra.Command {
	var states []string
	cmd := &cobra.Command{
		Use: "system", Short: "Show how the parts of the server are, and what to do about those that are not well", Args: cobra.NoArgs,
		Long: `Show how the parts of the server are: roles, NATS and its streams, disks, drives, clock and
more, the worst first, each with what it means and what to do.`,
		Example: "  spool system --state warning,away,failed\n  spool system -o json",
	}
	verb(watchable(cmd), func(ctx context.Context, s *session, _ []string) error {
		shown, err := choose(partTable(s.out).plain(), s.out.columns)
		if err != nil {
			return err
		}
		asked := &client.GetSystemParams{State: givenList[client.SystemState](states)}
		return one(s, func() (row[client.System], error) { return read[client.System](s.GetSystem(ctx, asked)) },
			func(y client.System) string { return string(y.State) },
			func(p *printer, got row[client.System]) error { return showSystem(p, got.value, shown, s.err) })
	})
	cmd.Flags().StringSliceVar(&states, "state", nil, "only parts in these states: ok, unknown, warning, away or failed")
	oneOf(cmd, "state", "ok", "unknown", "warning", "away", "failed")
	return cmd
}

func partTable(p *printer) table[client.SystemPart] {
	return table[client.SystemPart]{
		columns: []column[client.SystemPart]{
			{"state", func(y client.SystemPart) string { return string(y.State) }},
			{"part", func(y client.SystemPart) string { return y.Name }},
			{"since", func(y client.SystemPart) string { return p.time(value(y.Since), "") }},
			{"means", func(y client.SystemPart) string { return strings.TrimSpace(y.Means + " " + value(y.Detail)) }},
			{"do", func(y client.SystemPart) string { return value(y.Todo) }},
			{"kind", func(y client.SystemPart) string { return string(y.Kind) }},
			{"host", func(y client.SystemPart) string { return value(y.Host) }},
			{"instance", func(y client.SystemPart) string { return value(y.Instance) }},
			{"version", func(y client.SystemPart) string { return value(y.Version) }},
		},
		shown: 5,
		empty: "There are no such parts.",
	}
}

// showSystem prints the parts for people, under what is true of all.
func showSystem(p *printer, y client.System, shown []column[any], notes io.Writer) error {
	if p.terminal {
		if err := p.line("%s: %s, version %s, its clock %s", clean(cmp.Or(value(y.Name), "spool")), y.State, clean(y.Version), p.wall(y.Time, "")); err != nil {
			return err
		}
	}
	return p.table(heading(partTable(p).plain(), shown), cellsOf(partRows(y.Parts), shown), notes)
}

func partRows(parts []client.SystemPart) iter.Seq2[row[any], error] {
	return func(yield func(row[any], error) bool) {
		for _, part := range parts {
			if !yield(row[any]{value: part}, nil) {
				return
			}
		}
	}
}
