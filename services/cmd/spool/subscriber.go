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
	"github.com/spf13/pflag"

	"spool.internal/events/atomicfile"
	"spool.internal/events/jet"
)

func subscriberCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "subscriber", Short: "Let programs react to events on NATS, as an administrator"}
	cmd.AddCommand(subscriberCreateCommand(), subscriberListCommand(), subscriberRevokeCommand())
	return cmd
}

// subscriberOptions are the flags of subscriber create.
type subscriberOptions struct {
	remote
	stream, job, filter string
	trigger             bool
	expires             string
	print, address, out string
}

func subscriberCreateCommand() *cobra.Command {
	var o subscriberOptions
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a subscriber and print its credentials, which are shown only once",
		Long: `Create a durable pull consumer of a stream, named subscriber-NAME, and credentials that
allow a program to pull from it, to ack, and nothing else. With --may-trigger it may
also request runs. With --print, the credentials go to a file, and a program is printed
that runs as it is: it reads the events of ended runs and prints file, outcome and result.`,
		Example: `  spool subscriber create billing --job 6bc58441-1f60-4265-99f1-881c90ac65df -o billing.creds
  spool subscriber create ends --filter 'spool.run.ended.>' --expires 30d -o ends.creds
  spool subscriber create mine --print python > mine.py
  spool subscriber create shop --job 6bc58441-1f60-4265-99f1-881c90ac65df --may-trigger -o shop.creds`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.create(cmd, args[0]) },
	}
	o.flags(cmd.Flags())
	return cmd
}

func (o *subscriberOptions) flags(f *pflag.FlagSet) {
	o.remote.flags(f)
	f.StringVar(&o.stream, "stream", "RUN_EVENTS", "RUN_EVENTS, RESULTS, JOBS or DEADLETTERS")
	f.StringVar(&o.job, "job", "", "id of the only job whose events it receives")
	f.StringVar(&o.filter, "filter", "", "subjects that it receives, such as spool.run.ended.> (default: all of the stream)")
	f.BoolVar(&o.trigger, "may-trigger", false, "allow it to request runs on "+jet.AskTrigger+": of the job of --job, else of all jobs")
	f.StringVar(&o.expires, "expires", "", "when it expires: a duration such as 30d, or an RFC 3339 time (default: never)")
	f.StringVar(&o.print, "print", "", "print a program that reads the events: go, python or nats (the NATS command line); the credentials go to --out, or NAME.creds")
	f.StringVar(&o.address, "nats-url", "nats://127.0.0.1:4222", "where that program finds NATS: --nats-listen of the server")
	f.StringVarP(&o.out, "out", "o", "", "file for the credentials, readable by you alone; it must not exist (default: print them)")
}

// subscriberMade is what the server answers.
type subscriberMade struct {
	Stream      string `json:"stream"`
	Consumer    string `json:"consumer"`
	Filter      string `json:"filter"`
	Credentials string `json:"credentials"`
}

func (o *subscriberOptions) create(cmd *cobra.Command, name string) error {
	if err := checkExpires(o.expires); err != nil {
		return err
	}
	c, err := o.open()
	if err != nil {
		return err
	}
	if o.print != "" {
		if err := checkReader(o.print); err != nil {
			return err
		}
		o.out = cmp.Or(o.out, name+".creds")
		o.filter = cmp.Or(o.filter, jet.EndsIn(o.stream))
	}
	keep, err := openSecret(o.out)
	if err != nil {
		return err
	}
	var made subscriberMade
	if err := c.call(cmd.Context(), http.MethodPost, "/api/v2/subscribers", o.body(name), &made); err != nil {
		return errors.Join(err, keep.drop())
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "stream %s, consumer %s, subjects %s\n", made.Stream, made.Consumer, made.Filter)
	if o.trigger {
		fmt.Fprintln(cmd.ErrOrStderr(), asksLike(o.address, o.out))
	}
	if keep.File == nil {
		_, err := fmt.Fprint(cmd.OutOrStdout(), made.Credentials)
		return err
	}
	if err := keep.write(made.Credentials); err != nil || o.print == "" {
		return err
	}
	program, err := o.program(made)
	if err == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "credentials in %s\n", o.out)
		_, err = fmt.Fprint(cmd.OutOrStdout(), program)
	}
	return err
}

// body is the request; what was not given is left to the server.
func (o *subscriberOptions) body(name string) map[string]any {
	body := map[string]any{"name": name, "stream": o.stream}
	for key, value := range map[string]string{"job_id": o.job, "filter": o.filter, "expires": o.expires} {
		if value != "" {
			body[key] = value
		}
	}
	if o.trigger {
		body["may_trigger"] = true
	}
	return body
}

// asksLike returns the command that requests a run.
func asksLike(address, creds string) string {
	return fmt.Sprintf("it requests a run with: nats --server %s --creds %s request %s '{\"job\":\"<id or name>\"}'", address, cmp.Or(creds, "FILE"), jet.AskTrigger)
}

// secret is a file for a secret, created before the secret is, so that no secret is
// created that cannot be kept.
type secret struct{ *os.File }

// openSecret creates the file; without a name there is none.
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

// drop removes the file, because there is no secret for it.
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
		Use: "revoke NAME", Short: "Revoke a subscriber; its connections end at once", Args: cobra.ExactArgs(1),
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
