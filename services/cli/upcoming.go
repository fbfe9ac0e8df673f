package cli

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events/spelling"
	"spool.internal/gateway/client"
)

type slotToCome = client.UpcomingPage_Upcoming

// upcomingCommand lists what starts next.
func upcomingCommand() *cobra.Command {
	var c chooser
	var within, from, job, q string
	var limit int
	cmd := &cobra.Command{
		Use: "upcoming", Short: "List the slots to come of all enabled jobs, the soonest first", Args: cobra.NoArgs,
		Example: "  spool upcoming --within 6h\n  spool upcoming --from 2026-11-23T00:00 --within 1d --job backup",
	}
	verb(watchable(cmd), func(ctx context.Context, s *session, _ []string) error {
		length, err := spelling.Duration(within)
		if err != nil || length <= 0 {
			return misused("within: %q is not a duration like 6h or 7d", within)
		}
		begin, err := readTimeFlag("from", from, s.out.now())
		if err != nil {
			return err
		}
		asked := &client.ListUpcomingParams{From: begin, Q: given(q), Username: c.owner()}
		if job != "" {
			id, err := c.job(ctx, s, job)
			if err != nil {
				return err
			}
			asked.JobId = &id
		}
		return list(s, upcomingTable(s.out), pages[slotToCome]("upcoming", limit, func(token *string, most int) (*http.Response, error) {
			asked.PageToken, asked.Limit = token, &most
			start := s.out.now()
			if begin != nil {
				start = *begin
			}
			asked.To = new(start.Add(length))
			return s.ListUpcoming(ctx, asked)
		}))
	})
	c.declare(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&within, "within", "24h", "how far to look: a duration such as 6h or 7d")
	f.StringVar(&from, "from", "", "begin there, not now: "+timeForm)
	f.StringVar(&job, "job", "", "only of this job")
	f.StringVar(&q, "q", "", "only of jobs with this in their name, a tag or the key, in any case")
	f.IntVar(&limit, "limit", 100, "list so many at most; 0 lists all")
	_ = cmd.RegisterFlagCompletionFunc("job", completeJobs(0)) // the flag is there
	return cmd
}

func upcomingTable(p *printer) table[slotToCome] {
	return table[slotToCome]{
		columns: []column[slotToCome]{
			{"when", func(u slotToCome) string { return p.time(u.Slot, u.Timezone) }},
			{"job", func(u slotToCome) string { return u.Name }},
			{"usual", func(u slotToCome) string {
				if u.UsualMs == nil {
					return ""
				}
				return took(time.Duration(*u.UsualMs) * time.Millisecond)
			}},
			{"schedule", func(u slotToCome) string { return u.Schedule }},
			{"meaning", func(u slotToCome) string { return u.Description }},
			{"owner", func(u slotToCome) string { return u.Username }},
			{"job_id", func(u slotToCome) string { return u.JobId }},
		},
		shown: 4,
		name:  func(u slotToCome) string { return u.Name },
		empty: "Nothing is due in that time.",
	}
}
