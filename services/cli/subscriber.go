package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events/atomicfile"
	"spool.internal/events/jet"
	"spool.internal/gateway/client"
)

// subscriberCommand is the noun of programs that react to events.
func subscriberCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "subscriber", Short: "Let programs react to events on NATS, as an administrator"}
	cmd.AddCommand(subscriberCreate(), subscriberList(), subscriberRevoke())
	return cmd
}

// subscribing are the flags of subscriber create.
type subscribing struct {
	stream, job, filter string
	trigger             bool
	expires             string
	print, address, out string
}

func subscriberCreate() *cobra.Command {
	var o subscribing
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a subscriber and print its credentials, which are shown only once",
		Long: `Create a durable pull consumer of a stream, named subscriber-NAME, and credentials that
allow a program to pull from it, to ack, and nothing else. With --may-trigger it may
also request runs. With --print, the credentials go to a file, and a program is printed
that runs as it is: it reads the events of ended runs and prints file, outcome and result.`,
		Example: `  spool subscriber create billing --job invoices -o billing.creds
  spool subscriber create ends --filter 'spool.run.ended.>' --expires 30d -o ends.creds
  spool subscriber create mine --print python > mine.py
  spool subscriber create shop --job invoices --may-trigger -o shop.creds`,
		Args: cobra.ExactArgs(1),
	}
	cmd.PreRunE = o.check
	o.flags(cmd.Flags()) // before verb, which takes -o for --output where it is free
	_ = cmd.RegisterFlagCompletionFunc("job", completeJobs(0))
	return verb(cmd, func(ctx context.Context, s *session, args []string) error { return o.create(ctx, s, args[0]) })
}

func (o *subscribing) flags(f *pflag.FlagSet) {
	f.StringVar(&o.stream, "stream", "RUN_EVENTS", "RUN_EVENTS, RESULTS, JOBS or DEADLETTERS")
	f.StringVar(&o.job, "job", "", "the only job whose events it receives")
	f.StringVar(&o.filter, "filter", "", "subjects that it receives, such as spool.run.ended.> (default: all of the stream)")
	f.BoolVar(&o.trigger, "may-trigger", false, "allow it to request runs on "+jet.AskTrigger+": of the job of --job, else of all jobs")
	f.StringVar(&o.expires, "expires", "", "when it expires: a duration such as 30d, or an RFC 3339 time (default: never)")
	f.StringVar(&o.print, "print", "", "print a program that reads the events: go, python or nats (the NATS command line); the credentials go to --out, or NAME.creds")
	f.StringVar(&o.address, "nats-url", "nats://127.0.0.1:4222", "where that program finds NATS: --nats-listen of the server")
	f.StringVarP(&o.out, "out", "o", "", "file for the credentials, readable by you alone; it must not exist (default: print them)")
}

// check reports all that is wrong with the flags.
func (o *subscribing) check(*cobra.Command, []string) error {
	err := checkExpires(o.expires)
	if o.print != "" {
		err = errors.Join(err, checkReader(o.print))
	}
	return err
}

func (o *subscribing) create(ctx context.Context, s *session, name string) error {
	if o.print != "" {
		o.out = cmp.Or(o.out, name+".creds")
		o.filter = cmp.Or(o.filter, jet.EndsIn(o.stream))
	}
	body := client.CreateSubscriberJSONRequestBody{Name: name, Stream: client.PublicStream(o.stream), Filter: given(o.filter), Expires: given(o.expires)}
	if o.trigger {
		body.MayTrigger = &o.trigger
	}
	if o.job != "" {
		id, err := (&chooser{}).job(ctx, s, o.job)
		if err != nil {
			return err
		}
		body.JobId = &id
	}
	keep, err := openSecret(o.out)
	if err != nil {
		return err
	}
	made, err := read[client.NewSubscriber](s.CreateSubscriber(ctx, body))
	if err != nil {
		return errors.Join(err, keep.drop())
	}
	return o.show(s, made, keep)
}

// show prints what was made, and keeps the credentials.
func (o *subscribing) show(s *session, made row[client.NewSubscriber], keep secret) error {
	m := made.value
	fmt.Fprintf(s.err, "stream %s, consumer %s, subjects %s\n", m.Stream, clean(m.Consumer), clean(m.Filter))
	if o.trigger {
		fmt.Fprintln(s.err, asksLike(o.address, o.out))
	}
	if keep.File == nil {
		if s.out.plain() {
			_, err := fmt.Fprint(s.out.w, m.Credentials)
			return err
		}
		return s.out.made(made.raw, m.Name, "")
	}
	if err := keep.write(m.Credentials); err != nil {
		return err
	}
	if o.print != "" {
		program, err := o.program(m)
		if err == nil {
			fmt.Fprintf(s.err, "credentials in %s\n", o.out)
			_, err = fmt.Fprint(s.out.w, program)
		}
		return err
	}
	if s.out.plain() {
		return nil
	}
	var answer map[string]any
	if err := json.Unmarshal(made.raw, &answer); err != nil {
		return err
	}
	delete(answer, "credentials") // they are in the file
	return s.out.made(encode(answer), m.Name, "")
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

func subscriberList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the subscribers, without their credentials", Args: cobra.NoArgs}
	return verb(watchable(cmd), func(ctx context.Context, s *session, _ []string) error {
		return list(s, subscriberTable(s.out), firstPage[client.Subscriber]("subscribers", func(*string, int) (*http.Response, error) { return s.ListSubscribers(ctx) }))
	})
}

func subscriberTable(p *printer) table[client.Subscriber] {
	return table[client.Subscriber]{
		columns: []column[client.Subscriber]{
			{"name", func(u client.Subscriber) string { return u.Name }},
			{"state", func(u client.Subscriber) string { return string(u.State) }},
			{"stream", func(u client.Subscriber) string { return string(u.Stream) }},
			{"subjects", func(u client.Subscriber) string { return u.Filter }},
			{"triggers", func(u client.Subscriber) string { return yesNo(u.MayTrigger) }},
			{"by", func(u client.Subscriber) string { return u.By }},
			{"expires", func(u client.Subscriber) string { return p.orNever(u.Expires) }},
			{"created", func(u client.Subscriber) string { return p.time(u.Created, "") }},
			{"job_id", func(u client.Subscriber) string { return value(u.JobId) }},
			{"consumer", func(u client.Subscriber) string { return u.Consumer }},
		},
		shown: 7,
		name:  func(u client.Subscriber) string { return u.Name },
		empty: "There are no subscribers.",
	}
}

func subscriberRevoke() *cobra.Command {
	cmd := &cobra.Command{Use: "revoke NAME…", Short: "Revoke subscribers; their connections end at once", Args: cobra.MinimumNArgs(1)}
	return verb(cmd, func(ctx context.Context, s *session, names []string) error {
		return revoke(s, names, func(name string) error {
			_, err := read[any](s.RevokeSubscriber(ctx, name))
			return err
		})
	})
}
