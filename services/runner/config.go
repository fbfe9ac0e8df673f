package runner

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/events/reserve"
	"spool.internal/events/seal"
	"spool.internal/services/runner/process"
)

// Config of a runner.
type Config struct {
	Bus        *jet.Bus      // where runs are queued; its streams exist
	Asked      *jet.Bus      // where gateways ask what is on this host alone; default Bus
	Keys       *jet.Keyring  // the tokens that may start runs; the caller runs it
	Drives     *drive.Drives // where logical paths lie on this host
	Host       *Host         // what [LookAround] has found; default: New looks for itself
	DataDir    string        // folder for the logs of runs (runs/<flow_job_id>/run.log); created when absent
	Place      string        // the machine that this is, whatever its host is called; default "" = its drives are those of every runner of the pool
	Takeover   time.Duration // how long after its last sign of life others start the runs of this machine again; default 0 = never, see the README
	Pool       string        // whose queue is worked on, one token of a subject; default "default"
	Workers    int           // flows that run at once; default 0 = twice the number of CPUs
	Secret     string        // the secret by which a dispatcher is accepted without a token; empty = none is
	Running    int           // direct runs of one owner that have not ended, at most; administrators have no limit; default 100, negative = any number
	RunSecrets *seal.Shared  // opens the secrets of commands, which a dispatcher has closed; default: from Secret
	Drain      time.Duration // how long flows may go on after the end of Run's context before they are stopped; default 0 = they are stopped at once

	Sandbox      Sandbox       // whether flows are shut in; default auto
	FlowUser     string        // the user of flows when this process is root: a name, uid or uid:gid; default: root, in the sandbox without capabilities
	Offline      bool          // flows may not make sockets
	Listen       bool          // flows may take ports and wait for connections
	Direct       bool          // this runner gets direct calls only, no runs of jobs
	ReadPaths    []string      // files and folders that flows may read and execute too, host paths
	Profiles     []string      // profiles that jobs may name, as [events.ParseProfiles] reads them
	ProfilesFile string        // more of them, in a file that is read again when it changes
	StepTimeout  time.Duration // how long a flow may run whose job names no step_timeout; default 0 = as long as it likes for administrators' jobs and 24 h for others, negative = no limit
	Memory       int64         // bytes of a flow, all its processes together where there are control groups, else of each process; default 0 = not bounded
	MaxFileSize  int64         // bytes of a file that a flow writes; default 0 = 16 GiB, negative = no limit of ours
	MaxProcesses int           // processes of the user who runs the flows, all together; default 0 = 4096, negative = no limit of ours

	Reserve *reserve.Reserve // room for the store: on its disk logs stop when it is short, flows that write there are ended when half of it is gone; nil = none

	Metrics prometheus.Registerer // nil = no metrics
	Log     *slog.Logger          //

	times  leaseTimes                            // of the lease of the place
	serves func(events.Path) (here, shared bool) // in place of the drives
	local  bool                                  // offline flows may make AF_UNIX sockets
	pinned bool                                  // flows may not choose their processors
	hidden hidden                                // features of the kernel, from this runner
}

// leastMemory is what a flow needs at least, in bytes.
const leastMemory = 16 << 20

func (c Config) withDefaults() Config {
	if c.Asked == nil {
		c.Asked = c.Bus
	}
	if c.Pool == "" {
		c.Pool = "default"
	}
	if c.Workers == 0 {
		c.Workers = 2 * runtime.NumCPU()
	}
	if c.Sandbox == "" {
		c.Sandbox = SandboxAuto
	}
	if c.Running == 0 {
		c.Running = events.DefaultQuota.Running
	}
	c.times = c.times.orDefault()
	if c.serves == nil && c.Drives != nil {
		c.serves = c.Drives.Serves
	}
	c.MaxFileSize = limitOr(c.MaxFileSize, 16<<30)
	c.MaxProcesses = limitOr(c.MaxProcesses, 4096)
	return c
}

// limitOr gives the default for 0, and 0 for no limit.
func limitOr[N int | int64](n, byDefault N) N {
	if n == 0 {
		return byDefault
	}
	return max(0, n)
}

// Validate reports every fault of the config.
func (c Config) Validate() error {
	var errs []error
	fault := func(field, format string, args ...any) {
		errs = append(errs, events.Faultf(events.Invalid, field, format, args...))
	}
	if c.Bus == nil {
		fault("bus", "is required: a connection to NATS")
	}
	if c.Keys == nil {
		fault("keys", "is required: the tokens that may start runs")
	}
	if c.Drives == nil {
		fault("drives", "is required: where logical paths lie")
	}
	if c.DataDir == "" {
		fault("data", "is required: the folder for the logs of runs")
	}
	if c.Log == nil {
		fault("log", "is required")
	}
	return errors.Join(append(errs, c.CheckSettings())...)
}

// CheckSettings reports what is wrong with what a person has set.
func (c Config) CheckSettings() error {
	var errs []error
	fault := func(field, format string, args ...any) {
		errs = append(errs, events.Faultf(events.Invalid, field, format, args...))
	}
	if !isToken(c.withDefaults().Pool) {
		fault("pool", "%q cannot stand in a subject: use letters, digits, - and _", c.Pool)
	}
	if c.Workers < 0 {
		fault("flows", "%d is negative: give a number of flows, or 0 for twice the number of CPUs", c.Workers)
	}
	if c.Takeover != 0 && c.Takeover < events.LeaseAwayAfter && c.times.every == 0 {
		fault("takeover", "%s is too short: a machine is away after %s; give that or more, or never", c.Takeover, events.LeaseAwayAfter)
	}
	if c.Drain < 0 {
		fault("drain", "%s is negative: give how long flows may go on at a stop, or 0", c.Drain)
	}
	if err := c.withDefaults().Sandbox.validate(); err != nil {
		fault("sandbox", "%s", err.Error())
	}
	if c.Offline && c.Listen {
		fault("runner-network", "flows that may not use the network cannot listen")
	}
	if c.Memory != 0 && c.Memory < leastMemory {
		fault("flow-memory", "%d bytes are not enough for any program: give %d or more, or 0 for no bound", c.Memory, leastMemory)
	}
	for _, p := range c.ReadPaths {
		if !filepath.IsAbs(p) {
			fault("runner-read", "%q is not an absolute path", p)
		}
	}
	if c.FlowUser != "" {
		if _, _, err := flowUser(c.FlowUser); err != nil {
			fault("flow-user", "%q: %s", c.FlowUser, err)
		}
	}
	if c.ProfilesFile != "" {
		text, err := os.ReadFile(c.ProfilesFile)
		if err == nil {
			_, err = events.ParseProfiles(string(text))
		}
		if err != nil {
			fault("profiles", "%s: %s", c.ProfilesFile, err)
		}
	}
	for _, text := range c.Profiles {
		if _, err := events.ParseProfiles(text); err != nil {
			fault("profile", "%q: %s", text, err)
		}
	}
	return errors.Join(errs...)
}

// isToken reports whether s can be one token of a subject and the name of a consumer.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) < 0
}

// boundMemory bounds the memory of the flows of a program, and gives the bound of
// each process where there is none for all of a flow.
func (c Config) boundMemory(p *process.Program) (ofEach int) {
	if c.Memory == 0 {
		return 0
	}
	if err := p.BoundMemory(c.Memory); err != nil {
		c.Log.Info("memory is bounded for each process of a flow, not for all of them together", "cause", err.Error())
		return int(c.Memory)
	}
	return 0
}
