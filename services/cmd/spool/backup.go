package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events/atomicfile"
	"spool.internal/events/reserve"
	"spool.internal/services/broker"
	"spool.internal/services/broker/backup"
	"spool.internal/services/cli"
)

// backing are the flags of spool backup.
type backing struct {
	data, bundle, output string
	to                   []string
	passphraseFile       string
}

func backupCommand() *cobra.Command {
	var o backing
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Copy the whole store into one file, while the server runs or when it is stopped",
		Long: `Copy the whole store into one file: jobs with their history, tokens, the clock, queues,
the ledger of files, results, runs and their events, dead letters, and how far each
consumer is. The server goes on; what was acknowledged before the command began is in the
file. A stopped server's store is opened for the copy, and nothing of Spool works on it.

Drives, logs of runs, profiles and flags are not in it. The keys of the store are in it only
when it is encrypted: without encryption keep DATA/seal.key, DATA/admin.token and
DATA/webhook.secret yourself (or the bundle), since a restore needs the seal key.`,
		Example: `  spool backup --data /var/lib/spool -o /backup/spool-$(date +%F).backup --encrypt-to age1…
  spool backup --data /var/lib/spool -o - | ssh vault 'cat > spool.backup.new && mv spool.backup.new spool.backup'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "spool-data", "data folder of the server")
	f.StringVar(&o.bundle, "bundle", "", "folder of this machine that spool cluster init made, where it is one of a cluster")
	f.StringVarP(&o.output, "output", "o", "", "file to write, or - for the standard output (default spool-TIME.backup)")
	f.StringArrayVar(&o.to, "encrypt-to", nil, "who may open the backup, a recipient of age such as age1…; may be given more than once")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "file with the passphrase that opens the backup, in place of --encrypt-to")
	checked(cmd, func() error {
		_, err := backup.Recipients(o.to, o.passphraseFile)
		return err
	})
	cmd.AddCommand(backupVerifyCommand(), backupKeysCommand())
	return cmd
}

func (o *backing) run(ctx context.Context, cmd *cobra.Command) error {
	to, err := backup.Recipients(o.to, o.passphraseFile)
	if err != nil {
		return misuse{cmd, err}
	}
	source, err := openSource(ctx, o.data, o.bundle)
	if err != nil {
		return err
	}
	opts := backup.Options{Spool: version(), To: to, Store: source.store}
	if len(to) > 0 {
		opts.Keys = source.keys
	}
	report, end := reportTo(cmd, "backup")
	opts.Report = report
	var m *backup.Manifest
	began := time.Now()
	size := &counter{}
	err = o.write(cmd, func(w io.Writer) (err error) {
		m, err = backup.Take(ctx, source.admin.NATS(), io.MultiWriter(w, size), opts)
		return err
	})
	end()
	if err = errors.Join(err, source.close()); err != nil {
		return err
	}
	sealed := "not encrypted, without keys"
	if len(to) > 0 {
		sealed = fmt.Sprintf("encrypted, with %d files of keys", len(m.Keys))
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d messages and %d consumers of %d streams, %s in %s; %s\n",
		o.output, m.Messages(), m.Consumers(), len(m.Streams), reserve.Size(size.n), time.Since(began).Round(100*time.Millisecond), sealed)
	return noteBackup(o.data, began)
}

func (o *backing) write(cmd *cobra.Command, write func(io.Writer) error) error {
	switch o.output {
	case "-":
		return write(cmd.OutOrStdout())
	case "":
		o.output = "spool-" + time.Now().UTC().Format("20060102T150405Z") + ".backup"
	}
	return atomicfile.Stream(o.output, write)
}

// counter counts what is written.
type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// source is a store that is copied.
type source struct {
	admin *broker.Admin
	store backup.Store
	keys  map[string][]byte
	close func() error
}

// openSource reaches the server of a data folder, or opens the store of one that is stopped.
func openSource(ctx context.Context, data, bundle string) (*source, error) {
	if err := existing(data); err != nil {
		return nil, err
	}
	dir := data
	if bundle != "" {
		dir = bundle
	}
	keys, err := backup.ReadKeys(dir)
	if err != nil {
		return nil, err
	}
	s := &source{keys: keys}
	of := backup.Of(keys)
	s.store.Cluster, s.store.ID, s.store.Machine = of.Name, of.ID, of.Machine
	admin, err := broker.Control(ctx, data, bundle)
	if err == nil {
		s.admin, s.close = admin, func() error { admin.Close(); return nil }
		return s, nil
	}
	if bundle != "" {
		return nil, fmt.Errorf("a machine of a cluster is copied while it runs: %w", err)
	}
	offline, err := broker.OpenOffline(ctx, data, nil)
	if err != nil {
		return nil, err
	}
	s.admin, s.close = &offline.Admin, func() error { return offline.Close(context.WithoutCancel(ctx)) }
	return s, nil
}

// existing refuses what is no data folder.
func existing(data string) error {
	if info, err := os.Stat(data); err != nil || !info.IsDir() {
		return fmt.Errorf("data: %s is not a data folder: give that of the server", data)
	}
	return nil
}

// opening are the flags of the commands that open a backup.
type opening struct{ identity, passphraseFile string }

func (o *opening) flags(f *pflag.FlagSet) {
	f.StringVar(&o.identity, "identity", "", "file with the identity of age, AGE-SECRET-KEY-1…, that opens an encrypted backup")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "file with the passphrase that opens an encrypted backup")
}

// open opens a backup and reads it to its end; done closes it.
func (o *opening) open(cmd *cobra.Command, name string) (c *backup.Checked, done func(), err error) {
	ids, err := backup.Identities(o.identity, o.passphraseFile)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("backup: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no file: it is read twice, first to check it")
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	add, end := cli.Bar(cmd.ErrOrStderr(), "check", info.Size())
	c, err = backup.Check(&counted{f, add}, ids)
	end()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w; nothing was changed", name, err), f.Close())
	}
	return c, func() { _ = f.Close() }, nil // nothing was written through it
}

// counted tells a bar what is read.
type counted struct {
	*os.File
	add func(int64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.File.Read(b)
	c.add(int64(n))
	return n, err
}

func backupVerifyCommand() *cobra.Command {
	var o opening
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Restore a backup into a server that listens nowhere and fires nothing, and compare",
		Long: `Read a backup to its end, restore it into a server that listens nowhere and fires nothing,
in a temporary folder ($TMPDIR) that is removed again, and compare the messages and consumers of each
stream. The exit status is 0 when all are there.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, closed, err := o.open(cmd, args[0])
			if err != nil {
				return err
			}
			defer closed()
			report, end := reportTo(cmd, "verify")
			done, err := backup.Verify(cmd.Context(), c, backup.Into{Report: report})
			end()
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return comparison(cmd.OutOrStdout(), args[0], c, done)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// reportTo shows how far a backup or a restore is, until end.
func reportTo(cmd *cobra.Command, what string) (report func(backup.Progress), end func()) {
	add, end := cli.Bar(cmd.ErrOrStderr(), what, -1)
	so := int64(0)
	return func(p backup.Progress) { add(p.Bytes - so); so = p.Bytes }, end
}

// comparison prints a restored store beside the backup.
func comparison(w io.Writer, name string, c *backup.Checked, done *backup.Outcome) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STREAM\tMESSAGES\tRESTORED\tLEFT OUT\tCONSUMERS\tRESTORED\t")
	var wrong []string
	for _, r := range done.Rows {
		said := "ok"
		if r.Wrong != "" {
			said = r.Wrong
			wrong = append(wrong, r.Stream+": "+r.Wrong)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\n", r.Stream, r.Messages, r.Has, r.Dropped, r.Consumers, r.HasOut, said)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if !done.Equal {
		return fmt.Errorf("%s does not restore to what it holds: %s", name, strings.Join(wrong, "; "))
	}
	_, err := fmt.Fprintf(w, "%s of %s is whole: %d messages, %d consumers\n", name, c.Made.Format(time.RFC3339), c.Messages(), c.Consumers())
	return err
}

func backupKeysCommand() *cobra.Command {
	var o opening
	var dir string
	cmd := &cobra.Command{
		Use:   "keys FILE",
		Short: "Take the keys out of an encrypted backup, such as for spool cluster init --restore --keys",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, closed, err := o.open(cmd, args[0])
			if err != nil {
				return err
			}
			defer closed()
			names, err := c.WriteKeys(dir)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", dir, strings.Join(names, ", "))
			return err
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().StringVarP(&dir, "output", "o", "spool-keys", "folder to make, which must not be there")
	return cmd
}
