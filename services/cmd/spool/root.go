package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/services/cli"
)

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "spool",
		Short: "Starts a flow on a schedule, on request, or when a file lands in a folder",
		Long: `Spool starts a flow on a schedule, on request, or when a file lands in a folder.
Every flag can be given as an environment variable: --nats-url is SPOOL_NATS_URL.

` + unitsHelp + `

Exit status: 0 success; 1 the command failed, or diff found a difference; 2 wrong flags
or arguments, each fault on a line of its own, and nothing was started; 3 there is no
such thing, or the data folder is damaged or gone; 4 the server refuses it, as invalid or
in conflict with what is there; 5 the token is not valid, or may not do this; 6 the run
that was waited for failed; 7 it had not ended in time; 8 of many things some were done.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if fault := fromEnvironment(cmd, os.Environ()); fault != nil {
				return misuse{cmd, errors.Join(fault, furtherFaults(cmd))}
			}
			return nil
		},
	}
	root.AddCommand(
		serveCommand(), demoCommand(), tokenCommand(), storeCommand(), licensesCommand(), backupCommand(), restoreCommand(), releaseCommand(),
		brokerCommand(), clusterCommand(), machineCommand(), setupCommand(), guardCommand(), doctorCommand(),
	)
	root.AddCommand(readyCommand())
	root.AddCommand(cli.Commands()...)
	root.CompletionOptions.DisableDefaultCmd = true // there is one of our own
	for _, one := range services {
		role := one.command()
		if one.name == "cron" {
			role.AddCommand(cronRewindCommand())
		}
		root.AddCommand(role)
	}
	return root
}

// oneLine makes one line of a joined error.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// common are the flags of every role.
type common struct {
	data     string
	listen   string
	tlsCert  string
	tlsKey   string
	insecure bool
	conns    int
	proxies  []string
	logLevel string
	logJSON  bool
}

func (c *common) flags(f *pflag.FlagSet, alone bool) {
	listen := "127.0.0.1:8080"
	if alone {
		listen = "127.0.0.1:0"
	}
	f.StringVar(&c.data, "data", "spool-data", "folder that holds all data of this process")
	f.StringVar(&c.listen, "listen", listen, "host:port for HTTP: API, health, metrics")
	f.StringVar(&c.tlsCert, "tls-cert", "", "certificate for --listen, a PEM file")
	f.StringVar(&c.tlsKey, "tls-key", "", "key of the certificate, a PEM file")
	f.BoolVar(&c.insecure, "insecure", false, "allow --listen without TLS on an address that is not loopback")
	f.IntVar(&c.conns, "max-connections", 0, "connections that --listen keeps open at a time (default: a third of the limit of open files, at most 10,000)")
	f.StringSliceVar(&c.proxies, "trusted-proxies", nil, "addresses or networks whose X-Forwarded-For is trusted, such as 10.0.0.0/8; may be given more than once")
	f.StringVar(&c.logLevel, "log-level", "info", "lowest level that is logged: debug, info, warn or error")
	f.BoolVar(&c.logJSON, "log-json", false, "log JSON instead of text")
}

// check reports all that is wrong with these flags. It listens for a moment, to see
// whether it can.
func (c *common) check(*settings) error {
	_, err := c.level()
	return errors.Join(dataFolder(c.data), c.listener().Check(), err)
}

// dataFolder refuses what cannot be a data folder; it need not exist yet.
func dataFolder(name string) error {
	if name == "" {
		return errors.New("data: is empty: give a folder")
	}
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return fmt.Errorf("data: %s is no folder", name)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("data: the data folder cannot be read: %w", err)
	}
	return nil
}

func (c *common) level() (level slog.Level, err error) {
	if level.UnmarshalText([]byte(c.logLevel)) != nil {
		err = fmt.Errorf("log-level: %q is not debug, info, warn or error", c.logLevel)
	}
	return level, err
}

func (c *common) prepare() (*slog.Logger, error) {
	level, err := c.level()
	if err != nil {
		return nil, err
	}
	data, err := filepath.Abs(c.data)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	c.data = data
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: bounded}
	if c.logJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts)), nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts)), nil
}

// bounded cuts a value that would fill the log: callers choose the length of some.
func bounded(_ []string, a slog.Attr) slog.Attr {
	most := 2 << 10
	if a.Key == "stack" {
		most = 16 << 10
	}
	if a.Value.Kind() == slog.KindString && len(a.Value.String()) > most {
		a.Value = slog.StringValue(strings.ToValidUTF8(a.Value.String()[:most], "") + "…")
	}
	return a
}

// place are the flags of the roles that open files.
type place struct {
	name     string // of a role alone; the bundle says it of the others
	drives   string
	mappings []string
	shared   []string
	set      *pflag.FlagSet // all flags of the command
}

func (p *place) flags(f *pflag.FlagSet, alone bool) {
	p.set = f
	if alone {
		f.StringVar(&p.name, "place", "", "name of this machine among those whose drives differ, such as m1 (default: all machines have the same drives)")
	}
	f.StringVar(&p.drives, "drives", "", "folder with the drives, each as owner/repo/fs/drive; created when absent (default DATA/drives)")
	f.StringArrayVar(&p.mappings, "drive", nil, "a drive in another folder: 'owner/repo/fs/drive=/host/folder'; may be given more than once")
	f.StringArrayVar(&p.shared, "shared-drive", nil, "the same for a folder that is the same on every machine that has it, such as one of NFS; the file .spool/drive.id in it proves that")
}
