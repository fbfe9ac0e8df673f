package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func deadCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "dead", Short: "List dead letters, queue them again or drop them"}
	cmd.AddCommand(
		deadListCommand(),
		deadActCommand("retry", "Queue dead letters again, each with its trigger id", http.MethodPost, "/retry"),
		deadActCommand("drop", "Delete dead letters: what they stand for is not called again", http.MethodDelete, ""),
	)
	return cmd
}

// deadLetter is what the commands show of a dead letter.
type deadLetter struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	JobID     string    `json:"job_id"`
	TriggerID string    `json:"trigger_id"`
	Attempts  int       `json:"attempts"`
	HTTP      struct {
		Status   string `json:"status"`
		Response string `json:"response"`
	} `json:"http_result"`
}

// eachDead calls f with every dead letter that the caller may see, newest first.
func (c *client) eachDead(ctx context.Context, username string, f func(deadLetter) error) error {
	query := url.Values{"limit": {"1000"}}
	if username != "" {
		query.Set("username", username)
	}
	for {
		var page struct {
			Dead []deadLetter `json:"dead_letters"`
			Next string       `json:"next_page_token"`
		}
		if err := c.call(ctx, http.MethodGet, "/api/v2/dead-letters?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		for _, d := range page.Dead {
			if err := f(d); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		query.Set("page_token", page.Next)
	}
}

func deadListCommand() *cobra.Command {
	var r remote
	var username string
	cmd := &cobra.Command{
		Use: "list", Short: "List dead letters, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tGIVEN UP\tTRIGGER\tATTEMPTS\tSTATUS\tWHY")
			err = c.eachDead(cmd.Context(), username, func(d deadLetter) error {
				_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", d.ID, d.At.Format(time.RFC3339), d.TriggerID, d.Attempts, d.HTTP.Status, glimpse(d.HTTP.Response))
				return err
			})
			return errors.Join(err, w.Flush())
		},
	}
	r.flags(cmd.Flags())
	cmd.Flags().StringVar(&username, "username", "", "owner of the jobs, for administrators; * = everybody (default: the caller)")
	return cmd
}

// glimpse returns the beginning of a text, on one line.
func glimpse(s string) string {
	const most = 80
	if runes := []rune(oneLineText(s)); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return oneLineText(s)
}

// deadActCommand makes the command that does one thing to each dead letter it is given.
func deadActCommand(name, short, method, suffix string) *cobra.Command {
	var r remote
	var job, username string
	cmd := &cobra.Command{
		Use: name + " [ID…]", Short: short,
		Example: "  spool dead " + name + " 17 21\n  spool dead " + name + " --job 6bc58441-1f60-4265-99f1-881c90ac65df",
		RunE: func(cmd *cobra.Command, ids []string) error {
			if (len(ids) > 0) == (job != "") {
				return errors.New("give the ids that `spool dead list` prints, or --job for all dead letters of a job, but not both")
			}
			c, err := r.open()
			if err != nil {
				return err
			}
			if job != "" {
				err = c.eachDead(cmd.Context(), username, func(d deadLetter) error {
					if d.JobID == job {
						ids = append(ids, d.ID)
					}
					return nil
				})
			}
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := c.call(cmd.Context(), method, "/api/v2/dead-letters/"+url.PathEscape(id)+suffix, nil, nil); err != nil {
					return fmt.Errorf("dead letter %s: %w", id, err)
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), id); err != nil {
					return err
				}
			}
			return nil
		},
	}
	r.flags(cmd.Flags())
	cmd.Flags().StringVar(&job, "job", "", "all dead letters of this job")
	cmd.Flags().StringVar(&username, "username", "", "owner of the job, for administrators (default: the caller)")
	return cmd
}
