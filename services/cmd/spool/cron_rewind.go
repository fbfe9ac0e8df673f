package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/cron"
	"spool.internal/events/jet"
	"spool.internal/services/broker"
)

// rewind finds the committed clock: at a running broker, or in the data folder of a
// stopped one.
type rewind struct {
	nats     natsOptions // its URL is empty where data is given
	data     string
	maxStore int64
}

func cronRewindCommand() *cobra.Command {
	var r rewind
	cmd := &cobra.Command{
		Use:   "rewind",
		Short: "Set the committed clock back to now, after this machine's clock ran ahead",
		Long: `Set the committed clock back to the present minute. When a machine's clock ran
ahead, cron has triggered slots of minutes that are still to come, and it waits for
them: "the committed clock is ahead". Set the machine's clock right first, then rewind.

A rewind is never automatic, because the slots between now and the old clock are
triggered a second time. The second trigger has the same id, and the same
Idempotency-Key, as the first: the built-in runner recognises the run, but a foreign
endpoint may run it twice.

With --nats-url it connects to a running broker. With --data it opens the data folder
of a stopped "spool serve" or "spool broker"; that one need not listen for NATS.`,
		Example: `  spool cron rewind --data /var/lib/spool
  spool cron rewind --nats-url nats://127.0.0.1:4222 --nats-creds /var/lib/spool/cron.creds`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			return r.run(cmd.Context(), cmd.OutOrStdout(), log)
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.nats.url, "nats-url", "", "where the broker listens, such as nats://127.0.0.1:4222")
	f.StringVar(&r.nats.creds, "nats-creds", "", "credentials file of cron; the broker writes DATA/cron.creds")
	r.nats.natsTLS.flags(f)
	f.StringVar(&r.data, "data", "", "data folder of a stopped broker")
	sizeVar(f, &r.maxStore, "max-store", 0, "with --data: the value that serve or broker is started with")
	return cmd
}

func (r rewind) run(ctx context.Context, out io.Writer, log *slog.Logger) (err error) {
	connect := r.online
	switch {
	case r.nats.url == "" && r.data == "":
		return misuse{nil, errors.New("--nats-url or --data: one of them is required: a broker that runs, or the folder of one that does not")}
	case r.nats.url == "":
		connect = r.offline
	}
	bus, done, err := connect(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	did, err := cron.Rewind(ctx, bus, time.Now())
	if jet.IsConflict(err) {
		return errors.New("the clock was not rewound, because cron moved it at the same moment: try again")
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the clock was at %s and is at %s now\n", did.From.Format(time.RFC3339), did.To.Format(time.RFC3339))
	fmt.Fprintf(out, "slots between the two are triggered a second time; about %d triggers of their backlog are dropped\n", did.Backlog)
	return nil
}

func (r rewind) online(ctx context.Context, log *slog.Logger) (*jet.Bus, func() error, error) {
	if err := r.nats.check(&settings{role: "cron"}); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("no broker has answered within 10 s"))
	defer cancel()
	bus, err := jet.Connect(ctx, jet.Options{URL: r.nats.url, Creds: r.nats.creds, CA: r.nats.ca, Cert: r.nats.cert, Key: r.nats.key, Name: "cron", Log: log})
	if err != nil {
		return nil, nil, err
	}
	return bus, func() error { return limited(bus.Close) }, nil
}

func (r rewind) offline(ctx context.Context, log *slog.Logger) (*jet.Bus, func() error, error) {
	if _, err := os.Stat(filepath.Join(r.data, "nats")); err != nil {
		return nil, nil, fmt.Errorf("data: %s holds no store of a broker: name the data folder of serve or broker", r.data)
	}
	release, err := broker.Lock(r.data)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: stop it first, or give --nats-url", err)
	}
	b, err := broker.Start(ctx, broker.Config{
		DataDir: r.data, Durability: broker.Fsync, MaxStore: r.maxStore, Log: log,
		ResultsPerJob: math.MaxInt32, // whatever the next start says; a lower number would delete results now
	})
	if err != nil {
		return nil, nil, errors.Join(err, release())
	}
	bus, err := b.Connect(ctx, "cron")
	if err != nil {
		return nil, nil, errors.Join(err, limited(b.Close), release())
	}
	return bus, func() error { return errors.Join(limited(bus.Close), limited(b.Close), release()) }, nil
}

// limited closes what was opened for one command, within 10 s.
func limited(end func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return end(ctx)
}
