package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/gateway/client"
)

// deadCommand is the noun of what could not be called for.
func deadCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "dead", Short: "List what could not be called for, queue it again or drop it"}
	cmd.AddCommand(deadList(),
		deadAct("retry", "Queue dead letters again, each with its trigger id", "queued again"),
		deadAct("drop", "Delete dead letters: what they stand for is not called again", "dropped"),
	)
	return cmd
}

// deadFilter chooses dead letters, as GET /dead-letters does.
type deadFilter struct {
	chooser
	job, since, error string
}

func (d *deadFilter) declare(cmd *cobra.Command) {
	d.chooser.declare(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&d.job, "job", "", "only of this job")
	f.StringVar(&d.since, "since", "", "only what was given up at or after it: "+timeForm)
	f.StringVar(&d.error, "error", "", "only with this in their error, in any case, such as 'connection refused'")
	_ = cmd.RegisterFlagCompletionFunc("job", completeJobs(0)) // the flag is there
}

func (d *deadFilter) changed(f *pflag.FlagSet) bool {
	return f.Changed("job") || f.Changed("since") || f.Changed("error") || f.Changed("username")
}

// asked returns the parameters of the list.
func (d *deadFilter) asked(ctx context.Context, s *session) (*client.ListDeadLettersParams, error) {
	since, err := readTimeFlag("since", d.since, s.out.now())
	if err != nil {
		return nil, err
	}
	asked := &client.ListDeadLettersParams{Since: since, Error: given(d.error), Username: d.owner()}
	if d.job != "" {
		id, err := d.chooser.job(ctx, s, d.job)
		if err != nil {
			return nil, err
		}
		asked.JobId = &id
	}
	return asked, nil
}

func deadList() *cobra.Command {
	var d deadFilter
	var groups bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List dead letters, newest first; or how many are alike in job and error", Args: cobra.NoArgs,
		Example: "  spool dead list --groups\n  spool dead list --job letters --error 'connection refused'",
	}
	verb(watchable(cmd), func(ctx context.Context, s *session, _ []string) error {
		asked, err := d.asked(ctx, s)
		if err != nil {
			return err
		}
		key := "dead_letters"
		fetch := func(token *string, most int) (*http.Response, error) {
			asked.PageToken, asked.Limit = token, &most
			return s.ListDeadLetters(ctx, asked)
		}
		if groups {
			return list(s, groupTable(s.out), firstPage[client.DeadLetterPage_Groups]("groups", fetch))
		}
		return list(s, deadTable(ctx, s), pages[client.DeadLetter](key, limit, fetch))
	})
	d.declare(cmd)
	cmd.Flags().BoolVar(&groups, "groups", false, "how many are alike in job and error, the most first")
	cmd.Flags().IntVar(&limit, "limit", 0, "list so many at most (default: all)")
	return cmd
}

func deadTable(ctx context.Context, s *session) table[client.DeadLetter] {
	jobs, p := s.jobsByID(ctx), s.out
	return table[client.DeadLetter]{
		columns: []column[client.DeadLetter]{
			{"id", func(d client.DeadLetter) string { return d.Id }},
			{"given_up", func(d client.DeadLetter) string { return p.time(d.At, jobs.zone(d.JobId)) }},
			{"job", func(d client.DeadLetter) string { return jobs.of(d.JobId).Name }},
			{"of", func(d client.DeadLetter) string { return ofWhat(p, d.Kind, d.File, d.Slot, jobs.zone(d.JobId)) }},
			{"calls", func(d client.DeadLetter) string { return strconv.Itoa(d.Attempts) }},
			{"answer", func(d client.DeadLetter) string { return d.HttpResult.Status }},
			{"trigger", func(d client.DeadLetter) string { return d.TriggerId }},
			{"why", func(d client.DeadLetter) string { return glimpse(d.HttpResult.Response) }},
			{"job_id", func(d client.DeadLetter) string { return d.JobId }},
		},
		shown: 8,
		name:  func(d client.DeadLetter) string { return d.Id },
		empty: "There are no dead letters.",
	}
}

// glimpse returns the beginning of a text, on one line.
func glimpse(text string) string {
	const most = 80
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

func groupTable(p *printer) table[client.DeadLetterPage_Groups] {
	return table[client.DeadLetterPage_Groups]{
		columns: []column[client.DeadLetterPage_Groups]{
			{"count", func(g client.DeadLetterPage_Groups) string { return strconv.Itoa(g.Count) }},
			{"job", func(g client.DeadLetterPage_Groups) string { return cmp.Or(g.Name, g.JobId) }},
			{"newest", func(g client.DeadLetterPage_Groups) string { return p.time(g.Newest, "") }},
			{"error", func(g client.DeadLetterPage_Groups) string { return glimpse(g.Error) }},
			{"job_id", func(g client.DeadLetterPage_Groups) string { return g.JobId }},
		},
		shown: 4,
		name:  func(g client.DeadLetterPage_Groups) string { return g.JobId },
		empty: "There are no dead letters.",
	}
}

// deadAct makes the command that does one thing to dead letters.
func deadAct(action, short, ended string) *cobra.Command {
	var d deadFilter
	var c consent
	cmd := &cobra.Command{
		Use: action + " [ID…]", Short: short, Args: cobra.ArbitraryArgs,
		Long: short + `.

They are named by the ids that spool dead list shows, or chosen by its flags: then the
number and the first five are shown and a question is asked, and what has changed since is
left alone. The exit status is 8 when it was done with some of them only.`,
		Example: "  spool dead " + action + " 17 21\n  spool dead " + action + " --job letters --error 'connection refused' --yes",
	}
	verb(cmd, func(ctx context.Context, s *session, ids []string) error {
		filtered := d.changed(cmd.Flags())
		if filtered == (len(ids) > 0) {
			return misused("give the ids that spool dead list shows, or choose by --job, --since or --error, but not both")
		}
		if !filtered {
			return deadEach(ctx, s, action, ids)
		}
		return d.bulk(ctx, s, client.BulkDeadLetters{Action: client.BulkDeadLettersAction(action)}, bulkWords{c, action, ended})
	})
	d.declare(cmd)
	c.declare(cmd.Flags())
	return cmd
}

// deadEach does it to each that is named.
func deadEach(ctx context.Context, s *session, action string, ids []string) error {
	done := []json.RawMessage{}
	for i, id := range ids {
		got, err := deadOne(ctx, s, action, id)
		if err != nil {
			if err = s.explain(fmt.Errorf("dead letter %s: %w", clean(id), err)); i > 0 {
				err = failure(Partly, "%d of %d are done; %w", i, len(ids), err)
			}
			return err
		}
		if s.out.form == "table" || s.out.form == "name" {
			err = s.out.line("%s", clean(id))
		}
		if err != nil {
			return err
		}
		done = append(done, got)
	}
	if s.out.form == "table" || s.out.form == "name" {
		return nil
	}
	return s.out.data(encode(done))
}

func deadOne(ctx context.Context, s *session, action, id string) (json.RawMessage, error) {
	if action == "drop" {
		_, err := read[any](s.DropDeadLetter(ctx, id))
		return encode(map[string]string{"id": id}), err
	}
	got, err := read[client.Triggered](s.RetryDeadLetter(ctx, id))
	return got.raw, err
}

// bulkWords is how an action on many things is asked for, and told of.
type bulkWords struct {
	consent
	action, ended string
}

// bulk counts, asks, and follows the action to its end.
func (d *deadFilter) bulk(ctx context.Context, s *session, body client.BulkDeadLetters, w bulkWords) error {
	asked, err := d.asked(ctx, s)
	if err != nil {
		return err
	}
	words := map[string]string{}
	for name, text := range map[string]*string{"job_id": asked.JobId, "error": asked.Error, "username": asked.Username} {
		if text != nil {
			words[name] = *text
		}
	}
	if asked.Since != nil {
		words["since"] = asked.Since.UTC().Format("2006-01-02T15:04:05Z07:00")
	}
	body.Select.Filter = &words
	counted, err := read[client.BulkCount](s.BulkDeadLetters(ctx, &client.BulkDeadLettersParams{}, body))
	if err != nil {
		return err
	}
	n := counted.value.Count
	if n == 0 {
		return s.out.made(encode(map[string]int{"count": 0}), "", "there are no such dead letters")
	}
	var first []string
	for _, one := range counted.value.First {
		first = append(first, one.Id+" of "+one.Name)
	}
	if err := w.agree(s, fmt.Sprintf("%s %d dead letters", strings.ToUpper(w.action[:1])+w.action[1:], n), n, first); err != nil {
		return err
	}
	body.Expect = &n
	begun, err := read[client.Bulk](s.BulkDeadLetters(ctx, &client.BulkDeadLettersParams{IdempotencyKey: new(uuid.NewString())}, body))
	if err != nil {
		return err
	}
	return followBulk(ctx, s, begun, w.ended)
}
