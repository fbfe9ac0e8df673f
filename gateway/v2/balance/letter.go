package balance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/sorting"
)

// maxJobs is how many jobs a letter lists; those with failures come first.
const maxJobs = 200

// Letter is the balance of a day of all jobs, as an e-mail.
func (b Books) Letter(ctx context.Context, day string, now time.Time) (subject, text string, err error) {
	d, err := b.DayOf(day)
	if err != nil {
		return "", "", err
	}
	var jobs []events.Job
	if err := b.Bus.EachJob(ctx, func(j events.Job) { jobs = append(jobs, j) }); err != nil {
		return "", "", err
	}
	var all []Job
	for _, j := range jobs {
		balance, err := b.Job(ctx, j, d, now)
		if err != nil {
			return "", "", err
		}
		if !balance.Empty() {
			all = append(all, balance)
		}
	}
	sorting.Stably(all, func(a, b Job) int { return b.trouble() - a.trouble() })
	subject, text = write(d, b.Zone, all)
	return subject, text, nil
}

// troubles are the kinds of entries that a person may have to look at.
var troubles = []string{Failed, Dead, string(events.VerdictMissed), Held, Unknown}

func (s Sum) of(is ...string) (n int) {
	for _, c := range s.Counts {
		if slices.Contains(is, c.Is) {
			n += c.Count
		}
	}
	return n
}

func (j Job) trouble() (n int) {
	for _, s := range j.Sums {
		n += s.of(troubles...)
	}
	return n
}

func write(d Day, zone *time.Location, all []Job) (subject, text string) {
	totals := Totals(all)
	var heads []string
	for _, is := range troubles {
		n := 0
		for _, s := range totals {
			n += s.of(is)
		}
		if n > 0 {
			heads = append(heads, fmt.Sprintf("%d %s", n, is))
		}
	}
	if len(heads) == 0 {
		heads = []string{"all is well"}
	}
	var t strings.Builder
	fmt.Fprintf(&t, "%s (%s), every slot and file accounted for.\n\nAll jobs\n", d.Name, zone)
	sums(&t, totals, false)
	for i, j := range all {
		if i == maxJobs {
			fmt.Fprintf(&t, "\n… and %d jobs more: GET /api/v2/balance?day=%s&username=*\n", len(all)-maxJobs, d.Name)
			break
		}
		fmt.Fprintf(&t, "\n%s (%s, %s)\n", oneLine(j.Name), oneLine(j.Owner), j.ID)
		sums(&t, j.Sums, true)
	}
	return fmt.Sprintf("balance of %s: %s", d.Name, strings.Join(heads, ", ")), t.String()
}

func sums(t *strings.Builder, all map[string]Sum, filters bool) {
	for _, of := range Groups {
		s, ok := all[of]
		if !ok {
			continue
		}
		fmt.Fprintf(t, "  %-7s %s\n", of, s.Text())
		for _, c := range s.Counts {
			if filters && slices.Contains(troubles, c.Is) {
				fmt.Fprintf(t, "          %s: GET %s\n", c.Is, c.Filter)
			}
		}
	}
}

// oneLine leaves nothing in a name that could end a line.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}
