package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// many is what is done to one job, to several, or to all that a filter chooses.
type many struct {
	filter
	consent
	action        client.BulkJobsAction
	reason, until string
	begun, ended  string // what is said of it: delete, deleted
}

func jobsDelete() *cobra.Command {
	m := &many{action: "delete", begun: "Delete", ended: "deleted"}
	return m.command("Delete jobs; what they wrote stays")
}

func jobsEnable() *cobra.Command {
	m := &many{action: "enable", begun: "Enable", ended: "enabled"}
	return m.command("Enable jobs: what waits runs now, their slots begin now")
}

func jobsDisable() *cobra.Command {
	m := &many{action: "disable", begun: "Disable", ended: "disabled"}
	cmd := m.command("Disable jobs: nothing of them starts until they are enabled, by hand or at --until")
	cmd.Flags().StringVar(&m.reason, "reason", "", "a sentence for those who ask why")
	cmd.Flags().StringVar(&m.until, "until", "", "when they are enabled again by themselves: "+timeForm)
	return cmd
}

func (m *many) command(short string) *cobra.Command {
	verb := string(m.action)
	cmd := &cobra.Command{
		Use: verb + " [JOB…]", Short: short, ValidArgsFunction: completeJobs(0), Args: cobra.ArbitraryArgs,
		Long: short + `.

Jobs are named by id, name or key, or chosen by the flags of spool jobs list. Of several,
and before any is deleted, the number and the first five are shown and a question is
asked; what has changed since is left alone. The exit status is 8 when it was done with
some of them only.`,
		Example: "  spool jobs " + verb + " backup\n  spool jobs " + verb + " --tag nas --yes",
	}
	m.filter.declare(cmd)
	m.consent.declare(cmd.Flags())
	return m.run(cmd)
}

func (m *many) run(cmd *cobra.Command) *cobra.Command {
	return verb(cmd, func(ctx context.Context, s *session, names []string) error {
		until, err := readTimeFlag("until", m.until, s.out.now())
		if err != nil {
			return err
		}
		filtered := m.filter.changed(cmd.Flags())
		switch {
		case filtered == (len(names) > 0):
			return misused("give the jobs, or choose them by flags such as --tag, but not both")
		case len(names) == 1:
			return m.one(ctx, s, names[0], until)
		}
		body := client.BulkJobs{Action: m.action, Reason: given(m.reason), Until: until}
		if filtered {
			words, err := m.filter.words(s.out.now())
			if err != nil {
				return err
			}
			body.Select.Filter = &words
		} else {
			var ids []string
			for _, name := range names {
				id, err := m.job(ctx, s, name)
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			body.Select.Ids = &ids
		}
		return m.bulk(ctx, s, body)
	})
}

// one does it to one job. What cannot be taken back is asked for.
func (m *many) one(ctx context.Context, s *session, name string, until *time.Time) error {
	id, err := m.job(ctx, s, name)
	if err != nil {
		return err
	}
	var done row[client.JobDetails]
	switch m.action {
	case "enable":
		done, err = read[client.JobDetails](s.EnableJob(ctx, id))
	case "disable":
		done, err = read[client.JobDetails](s.DisableJob(ctx, id, client.DisableJobJSONRequestBody{Reason: given(m.reason), Until: until}))
	default:
		if done, err = read[client.JobDetails](s.GetJob(ctx, id)); err != nil {
			return err
		}
		if err := m.agree(s, "Delete 1 job", 1, []string{done.value.Name + " (" + id + ")"}); err != nil {
			return err
		}
		etag := done.header.Get("ETag")
		_, err = read[any](s.DeleteJob(ctx, id, &client.DeleteJobParams{IfMatch: &etag}))
	}
	if err != nil {
		return err
	}
	return s.out.made(done.raw, done.value.Name, "job %s is %s", clean(done.value.Name), m.ended)
}

// bulk counts, asks, and follows the action to its end.
func (m *many) bulk(ctx context.Context, s *session, body client.BulkJobs) error {
	counted, err := read[client.BulkCount](s.BulkJobs(ctx, &client.BulkJobsParams{}, body))
	if err != nil {
		return err
	}
	n := counted.value.Count
	if n == 0 {
		return s.out.made(encode(map[string]int{"count": 0}), "", "there are no such jobs")
	}
	var first []string
	for _, one := range counted.value.First {
		first = append(first, one.Name+" ("+one.Id+")")
	}
	if err := m.agree(s, fmt.Sprintf("%s %d jobs", m.begun, n), n, first); err != nil {
		return err
	}
	body.Expect = &n
	begun, err := read[client.Bulk](s.BulkJobs(ctx, &client.BulkJobsParams{IdempotencyKey: new(uuid.NewString())}, body))
	if err != nil {
		return err
	}
	return followBulk(ctx, s, begun, m.ended)
}

// followBulk waits for the end of an action on many things, and says how it went.
func followBulk(ctx context.Context, s *session, now row[client.Bulk], ended string) error {
	bar := s.progress(string(now.value.Action), int64(now.value.Count), false)
	shown := 0
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		reached := now.value.Done + now.value.FailedCount
		bar.add(int64(reached - shown))
		shown = reached
		if now.value.State != "running" {
			break
		}
		if !sleep(ctx, pause) {
			bar.end()
			return fmt.Errorf("it goes on without you; its id is %s", now.value.BulkId)
		}
		next, err := read[client.Bulk](s.GetBulk(ctx, now.value.BulkId))
		if busy, ok := errors.AsType[*client.Error](err); ok && busy.Status == http.StatusServiceUnavailable {
			continue
		}
		if err != nil {
			bar.end()
			return err
		}
		now = next
	}
	bar.end()
	b := now.value
	if err := s.out.made(now.raw, b.BulkId, "%d of %d are %s", b.Done, b.Count, ended); err != nil {
		return err
	}
	return bulkFault(s, b)
}

// bulkFault says what an action on many things was not done with.
func bulkFault(s *session, b client.Bulk) error {
	left := b.Count - b.Done
	if left <= 0 {
		return nil
	}
	if s.out.plain() {
		for i, f := range b.Failed {
			if i == shownFirst {
				fmt.Fprintf(s.err, "  … and %d more\n", b.FailedCount-shownFirst)
				break
			}
			fmt.Fprintf(s.err, "  %s: %s\n", clean(f.Id), clean(f.Message))
		}
	}
	exit := Partly
	if b.Done == 0 {
		exit = Refused
	}
	text := fmt.Sprintf("%d of %d were left as they are", left, b.Count)
	if b.Message != nil {
		text += ": " + *b.Message
	}
	return failure(exit, "%s", text)
}
