package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
)

func subscriberCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "subscriber", Short: "Let programs react to events on NATS, as an administrator"}
	cmd.AddCommand(subscriberCreateCommand(), subscriberListCommand(), subscriberRevokeCommand())
	return cmd
}

func subscriberCreateCommand() *cobra.Command {
	var r remote
	var stream, job, filter, expires, out, print, address string
	var trigger bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a subscriber and print its credentials; they are shown this once",
		Long: `Make a durable pull consumer of a stream, and credentials with which a program
pulls from it and acks, and does nothing else. With --may-trigger it also asks for runs. The consumer is subscriber-NAME.
With --print, the credentials go to a file and a program is printed that runs as it
is: it reads the events of ended runs and prints file, outcome and result.`,
		Example: `  spool subscriber create billing --job 6bc58441-1f60-4265-99f1-881c90ac65df -o billing.creds
  spool subscriber create ends --filter 'spool.run.ended.>' --expires 30d -o ends.creds
  spool subscriber create mine --print python > mine.py
  spool subscriber create shop --job 6bc58441-1f60-4265-99f1-881c90ac65df --may-trigger -o shop.creds`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkExpires(expires); err != nil {
				return err
			}
			c, err := r.open()
			if err != nil {
				return err
			}
			if print != "" {
				if err := checkReader(print); err != nil {
					return err
				}
				out = cmp.Or(out, args[0]+".creds")
				if filter == "" && stream == events.StreamRunEvents {
					filter = events.RunsOf(events.Ended, "")
				}
			}
			body := map[string]any{"name": args[0], "stream": stream}
			for key, value := range map[string]string{"job_id": job, "filter": filter, "expires": expires} {
				if value != "" {
					body[key] = value
				}
			}
			if trigger {
				body["may_trigger"] = true
			}
			keep, err := openSecret(out)
			if err != nil {
				return err
			}
			var made struct {
				Stream      string `json:"stream"`
				Consumer    string `json:"consumer"`
				Filter      string `json:"filter"`
				Credentials string `json:"credentials"`
			}
			if err := c.call(cmd.Context(), http.MethodPost, "/api/v2/subscribers", body, &made); err != nil {
				return errors.Join(err, keep.drop())
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "stream %s, consumer %s, subjects %s\n", made.Stream, made.Consumer, made.Filter)
			if trigger {
				fmt.Fprintln(cmd.ErrOrStderr(), asksLike(address, out))
			}
			if keep.File == nil {
				_, err := fmt.Fprint(cmd.OutOrStdout(), made.Credentials)
				return err
			}
			if err := keep.write(made.Credentials); err != nil || print == "" {
				return err
			}
			program, err := readerProgram(print, address, out, made.Stream, made.Consumer, trigger)
			if err == nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "credentials in %s\n", out)
				_, err = fmt.Fprint(cmd.OutOrStdout(), program)
			}
			return err
		},
	}
	r.flags(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&stream, "stream", "RUN_EVENTS", "RUN_EVENTS, RESULTS, JOBS or DEADLETTERS")
	f.StringVar(&job, "job", "", "id of the only job whose events it sees")
	f.StringVar(&filter, "filter", "", "subjects that it sees, as spool.run.ended.> (default: all of the stream)")
	f.BoolVar(&trigger, "may-trigger", false, "let it ask for runs of jobs, by requests on "+events.AskTrigger+": of the one of --job, else of all")
	f.StringVar(&expires, "expires", "", "when it ends: a duration like 30d, or an RFC 3339 time (default: never)")
	f.StringVar(&print, "print", "", "print a program that reads its events: go, python or nats (the command line of NATS); the credentials go to --out, or NAME.creds")
	f.StringVar(&address, "nats-url", "nats://127.0.0.1:4222", "where that program finds NATS: --nats-listen of the server")
	f.StringVarP(&out, "out", "o", "", "file for the credentials, which only you can read; it must not be there (default: print them)")
	return cmd
}

// asksLike says how a run is asked for.
func asksLike(address, creds string) string {
	return fmt.Sprintf("it asks for a run with: nats --server %s --creds %s request %s '{\"job\":\"<id or name>\"}'", address, cmp.Or(creds, "FILE"), events.AskTrigger)
}

// secret is a file that a secret goes into, made before the secret is.
type secret struct{ *os.File }

// openSecret makes the file; no name is no file.
func openSecret(name string) (secret, error) {
	if name == "" {
		return secret{}, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return secret{}, fmt.Errorf("out: %w", err)
	}
	return secret{f}, nil
}

func (s secret) write(text string) error {
	return errors.Join(s.Close(), atomicfile.Write(s.Name(), []byte(text), 0o600))
}

// drop takes the file away, of which nothing came.
func (s secret) drop() error {
	if s.File == nil {
		return nil
	}
	return errors.Join(s.Close(), os.Remove(s.Name()))
}

func subscriberListCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "list", Short: "List the subscribers, without their credentials", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			var list struct {
				Subscribers []struct {
					Name    string    `json:"name"`
					Stream  string    `json:"stream"`
					Filter  string    `json:"filter"`
					Trigger bool      `json:"may_trigger"`
					By      string    `json:"by"`
					State   string    `json:"state"`
					Created time.Time `json:"created"`
					Expires time.Time `json:"expires"`
				} `json:"subscribers"`
			}
			if err := c.call(cmd.Context(), http.MethodGet, "/api/v2/subscribers", nil, &list); err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tSTATE\tSTREAM\tSUBJECTS\tTRIGGERS\tBY\tCREATED\tEXPIRES")
			for _, s := range list.Subscribers {
				expires := "never"
				if !s.Expires.IsZero() {
					expires = s.Expires.Format(time.RFC3339)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.State, s.Stream, s.Filter, triggers(s.Trigger), s.By, s.Created.Format(time.RFC3339), expires)
			}
			return w.Flush()
		},
	}
	r.flags(cmd.Flags())
	return cmd
}

func triggers(may bool) string {
	if may {
		return "yes"
	}
	return "no"
}

func subscriberRevokeCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "revoke NAME", Short: "Revoke a subscriber: it is cut off at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			return c.call(cmd.Context(), http.MethodDelete, "/api/v2/subscribers/"+url.PathEscape(args[0]), nil, nil)
		},
	}
	r.flags(cmd.Flags())
	return cmd
}
