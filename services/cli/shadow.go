package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/gateway/client"
	"spool.internal/services/importer/crondlog"
	"spool.internal/services/importer/crontab"
)

func shadowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "shadow", Short: "Compare jobs that only show when they would run with what crond does"}
	cmd.AddCommand(shadowReport())
	return cmd
}

// shadow compares slots with a log of crond.
type shadow struct {
	filter
	journal, from, to, timezone string
	differing                   bool
}

func shadowReport() *cobra.Command {
	var r shadow
	cmd := &cobra.Command{
		Use: "report --journal FILE", Short: "Compare what shadowed jobs would have started with the log of crond, start by start",
		Long: `Compare what shadowed jobs would have started with the log of crond, start by start: both,
crond alone, or Spool alone, with the reason where it is known. A job is found by the
command and the user of its line. The exit status is 1 when they differ.

The log is what syslog has of crond, or what journalctl prints (-o short, short-iso,
short-full or json). Compared is from its first line to its last, unless --from and --to
say otherwise.`,
		Example: "  journalctl -t CRON -o short-iso --since yesterday | spool shadow report --journal -\n  spool shadow report --journal /var/log/syslog --from now-24h --differing",
		Args:    cobra.NoArgs,
	}
	verb(cmd, func(ctx context.Context, s *session, _ []string) error { return r.run(ctx, s) })
	r.declare(cmd)
	set := cmd.Flags()
	set.StringVar(&r.journal, "journal", "", "file with the log of crond; - reads stdin")
	set.StringVar(&r.from, "from", "", "compare from then on: "+timeForm)
	set.StringVar(&r.to, "to", "", "compare up to then: "+timeForm)
	set.StringVar(&r.timezone, "timezone", "", "zone of times in the log that have none (default: this host's)")
	set.BoolVar(&r.differing, "differing", false, "show only where they differ")
	return cmd
}

func (r *shadow) run(ctx context.Context, s *session) error {
	if r.journal == "" {
		return misused("journal: is required: a file with the log of crond, or - for stdin")
	}
	if r.timezone == "" {
		r.timezone = hostZone()
	}
	zone, err := schedule.LoadLocation(r.timezone)
	if err != nil {
		return misused("timezone: %w", err)
	}
	var text []byte
	if r.journal == "-" {
		text, err = io.ReadAll(io.LimitReader(s.in, longestAnswer))
	} else {
		text, err = os.ReadFile(r.journal)
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	starts, skipped := crondlog.Parse(string(text), zone, s.out.now())
	if len(skipped) > 0 {
		fmt.Fprintf(s.err, "%d starts have a time that cannot be read, the first on line %d\n", len(skipped), skipped[0])
	}
	from, to, err := r.span(s, starts)
	if err != nil {
		return err
	}
	jobs, err := r.jobs(ctx, s, from, to)
	if err != nil {
		return err
	}
	if r.from == "" { // what crond did before there was a job to compare with is no difference
		from = latest(from, began(jobs))
	}
	return r.tell(s, crondlog.Compare(starts, jobs, from, to))
}

// began is since when a job is shadowed.
func began(jobs []*crondlog.Job) (since time.Time) {
	for _, j := range jobs {
		if j.Shadowed && (since.IsZero() || j.Since.Before(since)) {
			since = j.Since
		}
	}
	return since
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// span is what is compared.
func (r *shadow) span(s *session, starts []crondlog.Start) (from, to time.Time, err error) {
	for _, start := range starts {
		if from.IsZero() || start.At.Before(from) {
			from = start.At.Truncate(time.Minute)
		}
		if start.At.After(to) {
			to = start.At.Truncate(time.Minute).Add(3 * time.Minute) // its own minute is whole
		}
	}
	for _, given := range []struct {
		name, text string
		into       *time.Time
	}{{"from", r.from, &from}, {"to", r.to, &to}} {
		t, err := readTimeFlag(given.name, given.text, s.out.now())
		if err != nil {
			return from, to, err
		}
		if t != nil {
			*given.into = *t
		}
	}
	if from.IsZero() || to.IsZero() {
		return from, to, failure(Refused, "journal: has no line like \"CRON[123]: (user) CMD (command)\", so it does not say what to compare: give --from and --to")
	}
	if now := s.out.now(); to.After(now) {
		to = now
	}
	return from, to, nil
}

// jobs reads the jobs of the clock, with the slots of those that are shadowed.
func (r *shadow) jobs(ctx context.Context, s *session, from, to time.Time) (jobs []*crondlog.Job, err error) {
	asked, err := r.parameters(s.out.now())
	if err != nil {
		return nil, err
	}
	asked.Mode = new(client.ListJobsParamsMode("cron"))
	for one, err := range s.jobs(ctx, asked) {
		if err != nil {
			return nil, err
		}
		raw, err := parametersOf(one.raw)
		if err != nil {
			return nil, err
		}
		o, err := events.ParseObject(raw)
		if err != nil {
			return nil, err
		}
		j := jobOf(one.value, o)
		if j == nil {
			continue
		}
		if j.Slots, err = slotsOf(ctx, s, one.value.JobId, j.Schedule, [2]time.Time{from, to}); err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// jobOf is a job as it is compared; nil when it is none that crond could have.
func jobOf(j client.Job, o events.Object) *crondlog.Job {
	var run struct {
		Run struct {
			Command  any
			Profiles []string
		}
		Spool struct{ Shadow bool }
	}
	if decode(events.Encode(o), &run) != nil {
		return nil
	}
	line, ok := run.Run.Command.(string)
	if !ok {
		return nil
	}
	out := &crondlog.Job{
		Key: value(j.Key), Name: j.Name, Command: crontab.Logged(line), Since: j.EffectiveFrom,
		Shadowed: run.Spool.Shadow && j.Status == "DISABLED",
	}
	if out.Key == "" {
		out.Key = j.JobId
	}
	for _, profile := range run.Run.Profiles {
		if user, ok := strings.CutPrefix(profile, "user-"); ok {
			out.User = user
		}
	}
	zone, err := schedule.LoadLocation(value(j.Timezone))
	if err == nil {
		out.Schedule, _ = schedule.ParseAny(value(j.Schedule), zone) // without one there are no reasons
	}
	return out
}

// slotsOf reads what became of the slots of a job, one by one.
func slotsOf(ctx context.Context, s *session, id string, when *schedule.Schedule, span [2]time.Time) (slots []crondlog.Slot, err error) {
	asked := &client.ListSlotsParams{From: &span[0], To: &span[1]}
	list := pages[client.SlotPage_Slots]("slots", 0, func(token *string, most int) (*http.Response, error) {
		asked.PageToken, asked.Limit = token, &most
		return patiently(ctx, func() (*http.Response, error) { return s.ListSlots(ctx, id, asked) })
	})
	for one, err := range list {
		if err != nil {
			return nil, err
		}
		e := one.value
		if value(e.Slots) == 0 {
			continue // a change of clocks, or none of the schedule's
		}
		if value(e.Slots) == 1 || when == nil {
			slots = append(slots, crondlog.Slot{Time: e.From, Verdict: string(e.Verdict), Reason: value(e.Reason)})
			continue
		}
		for slot := range when.Slots(e.From.Add(-time.Minute), e.To) {
			slots = append(slots, crondlog.Slot{Time: slot.Time, Verdict: string(e.Verdict), Reason: value(e.Reason)})
		}
	}
	return slots, nil
}

func (r *shadow) tell(s *session, lines []crondlog.Line) error {
	count := map[string]int{}
	for _, l := range lines {
		count[l.On]++
	}
	t := table[crondlog.Line]{
		columns: []column[crondlog.Line]{
			{"time", func(l crondlog.Line) string { return s.out.wall(l.Time, r.timezone) }},
			{"on", func(l crondlog.Line) string {
				return map[string]string{"both": "both", "crond": "only crond", "spool": "only Spool"}[l.On]
			}},
			{"job", func(l crondlog.Line) string { return l.Key }},
			{"user", func(l crondlog.Line) string { return l.User }},
			{"command", func(l crondlog.Line) string { return l.Command }},
			{"reason", func(l crondlog.Line) string { return l.Reason }},
		},
		empty: "neither crond nor a shadowed job has started anything in this time",
		name:  func(l crondlog.Line) string { return l.Key },
	}
	err := list(s, t, func(yield func(row[crondlog.Line], error) bool) {
		for _, l := range lines {
			if r.differing && l.On == crondlog.Both {
				continue
			}
			if !yield(row[crondlog.Line]{value: l, raw: encode(l)}, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%d on both, %d by crond alone, %d by Spool alone\n", count[crondlog.Both], count[crondlog.Crond], count[crondlog.Spool])
	if count[crondlog.Crond]+count[crondlog.Spool] > 0 {
		return &Error{Exit: Failed, Silent: true, error: errors.New("they differ")}
	}
	return nil
}
