package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gorilla/mux"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
	"spool.internal/services/runner"
)

// runnerOptions are the flags about the flows of the built-in runner.
type runnerOptions struct {
	flows     int
	drain     time.Duration
	sandbox   string
	user      string
	network   string
	read      []string
	profile   []string
	profiles  string
	stepTime  time.Duration
	memory    int64
	fileSize  int64
	processes int
}

func (o *runnerOptions) flags(f *pflag.FlagSet) {
	f.IntVar(&o.flows, "flows", 0, "flows of the built-in runner that run at once (default: 2 for each processor)")
	durationVar(f, &o.drain, "drain", 0, "how long flows may go on at a stop before they are stopped too; a second signal ends the wait")
	f.StringVar(&o.sandbox, "sandbox", string(runner.SandboxAuto), "shut flows in: auto (what this host can do; all of it for anybody but administrators), required (refuse to start where it cannot), best-effort (what it can do, for anybody) or off")
	f.StringVar(&o.user, "flow-user", "", "the user whom flows are when spool is root: a name, uid or uid:gid (default: root, in the sandbox without capabilities)")
	f.StringVar(&o.network, "runner-network", "allow", "whether flows may use the network: allow, listen (they may take ports, too) or deny")
	f.StringArrayVar(&o.read, "runner-read", nil, "a file or folder that flows in the sandbox may read and execute too; may be given more than once")
	f.StringArrayVar(&o.profile, "profile", nil, "what the flows of jobs that name it are granted: 'backup: write /srv/backup; owners ann'; may be given more than once")
	f.StringVar(&o.profiles, "profiles", "", "file with such profiles, which is read again when it changes")
	durationVar(f, &o.stepTime, "step-timeout", 0, "how long a flow may run whose job names no step_timeout; -1s: as long as it likes (default: that for administrators' jobs, 24h for others)")
	sizeVar(f, &o.memory, "flow-memory", 0, "memory that a flow may use, as 512MiB, all its processes together where Spool has a control group with the memory controller, else each (default: any)")
	boundVar(f, &o.fileSize, "flow-max-file-size", "the largest file that a flow may write, or any (default: 16GiB)")
	f.IntVar(&o.processes, "flow-max-processes", 0, "processes that the user who runs the flows may have; not held by root (default: 4096, -1: any)")
}

func (o *runnerOptions) check(pool string) error {
	cfg, err := o.config(nil, nil, nil, "", "", &daemon.Process{Log: slog.New(slog.DiscardHandler)})
	cfg.Pool = pool
	return errors.Join(err, cfg.CheckSettings())
}

func (o *runnerOptions) config(bus *jet.Bus, keys *jet.Keyring, drives *drive.Drives, data, secret string, p *daemon.Process) (runner.Config, error) {
	var err error
	if o.network != "allow" && o.network != "listen" && o.network != "deny" {
		err = fmt.Errorf("runner-network: %q is not allow, listen or deny", o.network)
	}
	return runner.Config{
		Bus: bus, Keys: keys, Drives: drives, DataDir: data, Workers: o.flows, Secret: secret, Drain: o.drain,
		Sandbox: runner.Sandbox(o.sandbox), Offline: o.network == "deny", Listen: o.network == "listen", FlowUser: o.user, ReadPaths: o.read, Profiles: o.profile, ProfilesFile: o.profiles, StepTimeout: o.stepTime, Memory: o.memory, MaxFileSize: o.fileSize, MaxProcesses: o.processes,
		Log: component(p, "runner"),
	}, err
}

// run adds a runner to a process. Its flows may go on while it drains.
func (o *runnerOptions) run(ctx context.Context, p *daemon.Process, cfg runner.Config) (*runner.Runner, error) {
	r, err := runner.New(cfg)
	if err == nil {
		err = r.Announce(ctx) // tokens are made with this in mind
	}
	if err != nil {
		return nil, err
	}
	p.GoFor("runner", o.drain, r.Run)
	p.OnCheck("runner", r.Check)
	p.OnNote("sandbox", r.Notes)
	return r, nil
}

func runnerCommand() *cobra.Command {
	r := &role{}
	var o runnerOptions
	var secretFile, pool string
	var quota events.Quota
	var kept spare
	r.settings = func() error {
		_, err := readSecret(secretFile)
		return errors.Join(err, o.check(pool))
	}
	return service("runner", "Run the built-in runner alone", r, func(f *pflag.FlagSet) {
		r.place.flags(f)
		o.flags(f)
		quotaFlag(f, &quota)
		kept.flag(f)
		f.StringVar(&secretFile, "runner-secret-file", "", "file with the secret shared with the dispatcher; without it only Spool's tokens are accepted")
		f.StringVar(&pool, "pool", "default", "runners of one pool share its runs")
	}, func(ctx context.Context, p *daemon.Process, bus *jet.Bus) error {
		drives, err := r.place.open(r.data)
		if err != nil {
			return err
		}
		drives.Recorded(bus.HostOf)
		secret, err := readSecret(secretFile)
		if err != nil {
			return err
		}
		keys := jet.NewKeyring(bus)
		p.Go("keyring", keys.Run)
		cfg, err := o.config(bus, keys, drives, r.data, secret, p)
		if err != nil {
			return err
		}
		cfg.Reserve = kept.of(p, r.data)
		cfg.Pool, cfg.Running = pool, quota.Running
		run, err := o.run(ctx, p, cfg)
		if err != nil {
			return err
		}
		calls := mux.NewRouter()
		run.Routes(calls)
		_, err = p.Serve("api", r.listener(), calls)
		return err
	})
}
