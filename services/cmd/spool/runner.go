package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gorilla/mux"
	"github.com/spf13/pflag"

	"spool.internal/events/jet"
	"spool.internal/services/broker"
	"spool.internal/services/daemon"
	"spool.internal/services/runner"
)

// runnerOptions are the flags of the built-in runner.
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
	takeover  time.Duration

	secretFile, pool string // of a runner alone
}

func (o *runnerOptions) flags(f *pflag.FlagSet, alone bool) {
	f.IntVar(&o.flows, "flows", 0, "flows that the built-in runner runs at once (default: 2 per processor)")
	durationVar(f, &o.drain, "drain", 0, "how long running flows may go on when Spool stops; a second signal ends the wait")
	f.StringVar(&o.sandbox, "sandbox", string(runner.SandboxAuto), "confinement of flows: auto (as far as this host can; in full for everybody but administrators), required (refuse to start where the host cannot), best-effort (as far as the host can, for everybody) or off")
	f.StringVar(&o.user, "flow-user", "", "user that flows run as when Spool is root: a name, uid or uid:gid (default: root, in the sandbox without capabilities)")
	f.StringVar(&o.network, "runner-network", "allow", "network access of flows: allow, listen (they may open ports, too) or deny")
	f.StringArrayVar(&o.read, "runner-read", nil, "another file or folder that flows in the sandbox may read and execute; may be given more than once")
	f.StringArrayVar(&o.profile, "profile", nil, "what is granted to the flows of jobs that name the profile: 'backup: write /srv/backup; owners ann'; may be given more than once")
	f.StringVar(&o.profiles, "profiles", "", "file with such profiles, reloaded when it changes")
	durationVar(f, &o.stepTime, "step-timeout", 0, "how long a flow may run if its job sets no step_timeout; -1s: no limit (default: no limit for jobs of administrators, 24h for others)")
	sizeVar(f, &o.memory, "flow-memory", 0, "memory that a flow may use, such as 512MiB: for all its processes together where Spool has a control group with the memory controller, else for each of them (default: any)")
	boundVar(f, &o.fileSize, "flow-max-file-size", "largest file that a flow may write, or any (default: 16GiB)")
	f.IntVar(&o.processes, "flow-max-processes", 0, "processes that the user of the flows may have; not enforced when that user is root (default: 4096, -1: any)")
	orNeverVar(f, &o.takeover, "takeover", "how long a machine of a cluster may give no sign of life before others start its runs on shared drives again, such as 90s; only those with output_has_run_id: a machine that is frozen, not dead, may still write there (default: never)")
	if alone {
		f.StringVar(&o.secretFile, "runner-secret-file", "", "file with the secret shared with the dispatcher; without it, only Spool's tokens are accepted")
		f.StringVar(&o.pool, "pool", "default", "pool of this runner; the runners of a pool share its runs")
	}
}

func (o *runnerOptions) check(*settings) error {
	_, unreadable := readSecret(o.secretFile)
	cfg, err := o.config()
	return errors.Join(unreadable, err, cfg.CheckSettings())
}

func (o *runnerOptions) config() (runner.Config, error) {
	var err error
	if o.network != "allow" && o.network != "listen" && o.network != "deny" {
		err = fmt.Errorf("runner-network: %q is not allow, listen or deny", o.network)
	}
	return runner.Config{
		Pool: o.pool, Workers: o.flows, Drain: o.drain, Sandbox: runner.Sandbox(o.sandbox), FlowUser: o.user,
		Offline: o.network == "deny", Listen: o.network == "listen",
		ReadPaths: o.read, Profiles: o.profile, ProfilesFile: o.profiles,
		StepTimeout: o.stepTime, Memory: o.memory, MaxFileSize: o.fileSize, MaxProcesses: o.processes,
		Takeover: o.takeover,
	}, err
}

func (in *instance) startRunner(ctx context.Context, bus *jet.Bus) error {
	cfg, err := in.runnerConfig(ctx, bus)
	if err != nil {
		return err
	}
	if in.around != nil {
		if cfg.Host, err = in.around(); err != nil {
			return fmt.Errorf("runner: %w", err)
		}
		in.around = nil // it is the runner's
	}
	r, err := runner.New(cfg)
	if err == nil {
		// The gateway creates tokens by what runners announce.
		err = bus.Patiently(ctx, "the announcement of the runner", r.Announce)
	}
	if err != nil {
		return err
	}
	held := in.afterHold("runner", r)
	in.GoFor("runner", cfg.Drain, held.Run) // its flows may go on while it drains
	in.OnCheck("runner", held.Check)
	in.OnNote("sandbox", r.Notes)
	in.runner = r
	calls := mux.NewRouter()
	r.Routes(calls)
	if in.set.alone() {
		in.addr, err = in.Serve("api", in.set.common.listener(), calls)
		return err
	}
	most := 2*in.set.dispatch.workers + 64 // the dispatcher's connections, and some for other callers
	in.calls, err = in.Serve("runner calls", daemon.Listener{Addr: "127.0.0.1:0", Inside: true, MaxConnections: most}, calls)
	return err
}

// lookAround begins to find out of the host what the runner needs, beside the start of the broker.
func (in *instance) lookAround() error {
	cfg, err := in.set.runner.config()
	if err != nil {
		return err
	}
	cfg.DataDir, cfg.Drives, cfg.Log = in.set.common.data, in.drives, in.log("runner")
	in.around = runner.LookAround(cfg)
	in.OnStop("host", func(context.Context) error {
		if in.around != nil { // the start has failed before
			if host, err := in.around(); err == nil {
				host.Close()
			}
		}
		return nil
	})
	return nil
}

func (in *instance) runnerConfig(ctx context.Context, bus *jet.Bus) (cfg runner.Config, err error) {
	if cfg, err = in.set.runner.config(); err != nil {
		return cfg, err
	}
	cfg.Bus, cfg.DataDir, cfg.Log = bus, in.set.common.data, in.log("runner")
	cfg.Place, cfg.Metrics = in.place(), in.Metrics
	if cfg.Drives, err = in.drivesOf(ctx, bus); err != nil {
		return cfg, err
	}
	if cfg.Secret, err = in.runnerSecret(in.set.runner.secretFile); err != nil {
		return cfg, err
	}
	cfg.Keys, cfg.Reserve, cfg.Running = in.keyring(bus), in.reserve(), in.set.quota.Running
	if in.broker != nil && in.set.broker.listen != "" {
		if cfg.Asked, err = in.connectAs(ctx, broker.Runner); err != nil {
			return cfg, err
		}
	}
	if !in.set.alone() {
		cfg.Direct = in.set.dispatch.endpoint != ""
		cfg.RunSecrets, err = in.runSecrets(ctx, bus)
	}
	return cfg, err
}
