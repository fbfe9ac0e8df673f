package events

import (
	"encoding/json"
	"slices"
	"time"

	"spool.internal/events/schedule"
)

// Parameters is what Spool itself reads in the body that created a job.
type Parameters struct {
	Name       string
	Schedule   string // five fields or a macro; means nothing when Spooled
	BinaryPath Path
	InputDir   Path
	BinaryText string // as sent
	InputText  string // as sent
	AuthToken  string // [Mask] in a stored job
	VerifySSL  bool   // default true
	Spooled    bool   // automatic mode: a run for every file in InputDir
	Settings   Object // as sent
	Emails     []string
	Webhook    Webhook
	Options    Options

	// Unknown lists the keys at the top level and in flow_parameters that mean
	// nothing here; they are kept and echoed.
	Unknown []string
}

// Webhook is where the end of a run is to be posted; an empty URL means nowhere.
type Webhook struct {
	URL     string
	Headers []Header
}

// Options is the object "spool": what the seed has no words for.
type Options struct {
	Timezone       string // IANA name; empty = the server's
	CatchUp        CatchUp
	Overlap        Overlap
	MaxConcurrency int           // run-binary calls of file triggers in flight; default 16
	RetryFor       time.Duration // negative = the default of the trigger's kind; 0 = at most once
	Watch          Watch
	After          After
	Output         Placement
	Notifying
	Run       RunOptions
	Retries   Retries
	Profiles  []string // see [Profile]
	Key       string   // unique among the jobs of an owner; empty = none
	ManagedBy string   // who keeps the job as it is; empty = nobody says
	Shadow    bool     // while disabled, the job's slots are decided and run nothing
	HoldAfter int      // failures in a row that disable the job; 0 = none do
}

// RetryFor gives how long the calls of a trigger are repeated.
func (p *Parameters) RetryFor(k Kind) time.Duration {
	switch {
	case p.Options.RetryFor >= 0:
		return p.Options.RetryFor
	case k == KindManual:
		return 10 * time.Second
	default:
		return 24 * time.Hour
	}
}

// ParseParameters reads and checks a create body or the parameters of a stored
// job. Every fault is an [Error] of code Invalid that names the field.
func ParseParameters(body []byte) (*Parameters, error) {
	o, err := ParseObject(body)
	if err != nil {
		return nil, err
	}
	return ReadParameters(o)
}

// ReadParameters is [ParseParameters] for a body that is already taken apart.
func ReadParameters(o Object) (*Parameters, error) {
	p := &Parameters{}
	r := reader{o: o}
	p.Name = r.required("name")
	flow := r.object("flow_parameters", true)
	p.Schedule, p.Spooled = r.slots(flow.object("settings", false))
	p.readFlow(flow)
	spool := r.object("spool", false)
	p.Options = readOptions(spool)
	p.Options.After = readAfter(spool.object("after", false), p.InputDir)
	p.Unknown = append(r.unknown(), flow.unknown()...)
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, p.check()
}

func (p *Parameters) readFlow(r *reader) {
	p.AuthToken = r.required("auth_token")
	p.BinaryText, p.BinaryPath = r.path("binary_path")
	p.InputText, p.InputDir = r.path("input_dir")
	p.VerifySSL = r.boolean("verify_ssl_certificate", true)
	s := r.object("settings", false)
	p.Settings = s.o
	s.strings("tags")
	s.object("runtime_config", false)
	p.Emails = s.emails("notification_emails")
	p.Webhook = s.object("webhook_config", false).webhook()
}

// check holds the rules that need more than one field.
func (p *Parameters) check() error {
	if err := p.Options.Notifying.check(p.Spooled); err != nil {
		return err
	}
	if err := p.checkTimeout(); err != nil {
		return err
	}
	if p.Options.Timezone != "" {
		if _, err := schedule.LoadLocation(p.Options.Timezone); err != nil {
			return Faultf(Invalid, "spool.timezone", "%s", err.Error())
		}
	}
	if err := p.Options.After.check(p.Spooled, p.InputDir); err != nil {
		return err
	}
	if p.Options.Shadow && p.Spooled {
		return Faultf(Invalid, "spool.shadow", "is for jobs with a schedule: a job that watches a folder has no slots")
	}
	if err := p.checkPlacement(); err != nil {
		return err
	}
	if !p.Spooled {
		if _, err := schedule.ParseAny(p.Schedule, time.UTC); err != nil {
			return Faultf(Invalid, "schedule", "%s", err.Error())
		}
		return nil
	}
	if p.Options.Overlap == OverlapSkip {
		return Faultf(Invalid, "spool.overlap", "skip would drop files in automatic mode: use allow or queue")
	}
	out := p.OutputDir()
	if out.Within(p.InputDir) {
		return Faultf(Invalid, "flow_parameters.settings.output_dir", "lies inside the watched folder: results would be run again")
	}
	if p.EmptiesOutput() {
		return Faultf(Invalid, "flow_parameters.settings.delete_out_dir",
			"each run would wipe the one before in automatic mode: set output_has_run_id or leave it out")
	}
	return nil
}

// OutputDir is where the job's runs write: settings.output_dir, else the sibling "out" of the input folder.
func (p *Parameters) OutputDir() Path {
	if s, ok := stringValue(p.Settings, "output_dir"); ok {
		if out, err := ParsePath("output_dir", s); err == nil {
			return out
		}
	}
	return p.InputDir.Sibling("out")
}

// EmptiesOutput reports whether each run deletes first what lies in the output
// folder: not where each has one of its own in there.
func (p *Parameters) EmptiesOutput() bool {
	own := flag(p.Settings, "output_has_run_id") || p.ownFolders() && !p.setExplicit("output_has_run_id")
	return flag(p.Settings, "delete_out_dir") && !own
}

// ownFolders reports whether each run has an output folder of its own unless the
// settings say otherwise.
func (p *Parameters) ownFolders() bool { return p.Spooled || p.Options.Output.Given() }

func (p *Parameters) setExplicit(key string) bool {
	_, ok := p.Settings.Get(key)
	return ok
}

func flag(o Object, key string) bool {
	raw, _ := o.Get(key)
	return string(raw) == "true"
}

// RunSettings gives the settings as a run-binary call carries them: without
// what is Spool's own, and in automatic mode, or where outputs are placed, with an
// output folder for each run unless the job says otherwise.
func (p *Parameters) RunSettings() Object {
	s := slices.Clone(p.Settings).Delete("spooled_mode")
	if limit := p.Options.Run.Timeout; limit > 0 {
		s = s.Set("step_timeout", limit.Seconds())
	}
	if p.Spooled {
		if !p.setExplicit("output_dir") {
			s = s.Set("output_dir", p.OutputDir().String())
		}
	}
	if p.ownFolders() && !p.setExplicit("output_has_run_id") {
		s = s.Set("output_has_run_id", true)
	}
	return s
}

// Reveal gives a stored job's parameters with its secrets in clear, as open makes them from their seals.
func (j *Job) Reveal(open func(sealed, jobID, pointer string) (string, error)) (*Parameters, error) {
	o, err := ParseObject(j.Parameters)
	if err != nil {
		return nil, err
	}
	o, err = MapSecrets(o, func(pointer, value string) (string, error) {
		sealed, ok := j.Secrets[pointer]
		if !ok {
			return value, nil
		}
		return open(sealed, j.ID, pointer)
	})
	if err != nil {
		return nil, err
	}
	return ReadParameters(o)
}

// Conceal masks the secrets of parameters and gives their seals by pointer. Of a URL
// [PublicURL] is left, and one that is public is not sealed.
func Conceal(parameters Object, seal func(pointer, value string) (string, error)) (json.RawMessage, map[string]string, error) {
	secrets := map[string]string{}
	o, err := MapSecrets(parameters, func(pointer, value string) (string, error) {
		masked := Mask
		if slices.Contains(URLPointers, pointer) {
			if masked = PublicURL(value); masked == value {
				return value, nil
			}
		}
		sealed, err := seal(pointer, value)
		secrets[pointer] = sealed
		return masked, err
	})
	if err != nil {
		return nil, nil, err
	}
	return Encode(o), secrets, nil
}
