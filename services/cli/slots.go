package cli

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

type slotSpan = client.SlotPage_Slots

// slotsCommand lists what became of the slots of a job.
func slotsCommand() *cobra.Command {
	var c chooser
	var from, to, verdict string
	var limit int
	cmd := &cobra.Command{
		Use: "slots JOB", Short: "List what became of each slot of a job: run, missed, skipped, and why", Args: cobra.ExactArgs(1), ValidArgsFunction: completeJobs(1),
		Long: `List what became of each slot of a job, oldest first: of the last 24 hours, unless --from
says otherwise. Slots in a row that are alike are one line. spool why JOB --at TIME says
more about one.`,
		Example: "  spool slots backup --from now-7d\n  spool slots backup --verdict missed --from 2026-11-01",
	}
	verb(watchable(cmd), func(ctx context.Context, s *session, args []string) error {
		since, err := readTimeFlag("from", from, s.out.now())
		if err != nil {
			return err
		}
		until, err := readTimeFlag("to", to, s.out.now())
		if err != nil {
			return err
		}
		id, err := c.job(ctx, s, args[0])
		if err != nil {
			return err
		}
		asked := &client.ListSlotsParams{From: since, To: until, Verdict: given(client.Verdict(verdict))}
		return list(s, slotTable(s.out, s.jobsByID(ctx).zone(id)), pages[slotSpan]("slots", limit, func(token *string, most int) (*http.Response, error) {
			asked.PageToken, asked.Limit = token, &most
			return s.ListSlots(ctx, id, asked)
		}))
	})
	c.declare(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "slots at or after it (default: 24 hours ago): "+timeForm)
	f.StringVar(&to, "to", "", "slots before it (default: now)")
	f.StringVar(&verdict, "verdict", "", "only slots with this verdict: fired, caught_up, queued, pending, superseded, skipped, missed, disabled, shadow, dst_gap or dst_fold")
	f.IntVar(&limit, "limit", 0, "list so many lines at most (default: all)")
	oneOf(cmd, "verdict", "fired", "caught_up", "queued", "pending", "superseded", "skipped", "missed", "disabled", "shadow", "dst_gap", "dst_fold")
	return cmd
}

func slotTable(p *printer, zone string) table[slotSpan] {
	return table[slotSpan]{
		columns: []column[slotSpan]{
			{"slot", func(s slotSpan) string { return p.span(s.From, s.To, zone) }},
			{"verdict", func(s slotSpan) string { return words(s.Verdict) }},
			{"slots", func(s slotSpan) string {
				if s.Slots == nil {
					return ""
				}
				return strconv.Itoa(*s.Slots)
			}},
			{"late", func(s slotSpan) string {
				if s.LatenessMs == nil {
					return ""
				}
				return took(time.Duration(*s.LatenessMs) * time.Millisecond)
			}},
			{"reason", func(s slotSpan) string { return value(s.Reason) }},
			{"mark", func(s slotSpan) string { return string(value(s.Mark)) }},
			{"run", func(s slotSpan) string { return value(s.TriggerId) }},
		},
		shown: 5,
		name:  func(s slotSpan) string { return s.From.UTC().Format(time.RFC3339) },
		empty: "There were no such slots.",
	}
}

// span shows a time, or two.
func (p *printer) span(from, to time.Time, zone string) string {
	if from.Equal(to) {
		return p.wall(from, zone)
	}
	return fmt.Sprintf("%s – %s", p.wall(from, zone), p.wall(to, zone))
}
