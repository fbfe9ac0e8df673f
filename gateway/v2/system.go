package v2

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/system"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// maxParts bounds an answer: where hundreds of processes run the best are left out.
const maxParts = 500

// System is how the whole of Spool is.
type System struct {
	Name    string        `json:"name,omitzero"`
	Version string        `json:"version"`
	Time    time.Time     `json:"time"`
	State   system.State  `json:"state"`
	Parts   []system.Line `json:"parts"`
}

func (a *API) system(w http.ResponseWriter, r *http.Request) error {
	q, err := wire.Values(r, "state")
	if err != nil {
		return err
	}
	v, err := a.GetSystem(r.Context(), a.Caller(r), q["state"])
	if err == nil {
		wire.Write(w, http.StatusOK, v)
	}
	return err
}

// GetSystem says how the parts are, whatever of them is away: then it says so. Given
// states, with commas between them, it says so of the parts in one of them.
func (a *API) GetSystem(ctx context.Context, who change.Caller, states []string) (v System, err error) {
	only := strings.FieldsFunc(strings.Join(states, ","), func(c rune) bool { return c == ',' })
	for _, s := range only {
		if !slices.Contains(system.States, system.State(s)) {
			return v, events.Faultf(events.Invalid, "state", "%q is none of ok, unknown, warning, away, failed", s)
		}
	}
	now := time.Now()
	lines := a.parts(ctx, now)
	system.Sort(lines)
	v = System{a.Name, a.Version, now.UTC(), system.Worst(lines), []system.Line{}}
	administrator := who.MayAdminister() == nil
	for _, l := range lines[:min(len(lines), maxParts)] {
		if len(only) == 0 || slices.Contains(only, string(l.State)) {
			v.Parts = append(v.Parts, l.Shown(administrator))
		}
	}
	return v, nil
}

// parts looks at everything. NATS comes first: where it is away nothing else can be known.
func (a *API) parts(ctx context.Context, now time.Time) (lines []system.Line) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	server := a.Bus.ServerState()
	detail := server.Name + " at " + server.Address
	away := a.Bus.Check()
	lines = append(lines, system.NATS(server.Version, server.Cluster, detail, away))
	heard, err := a.heard(ctx)
	if err != nil {
		return append(lines, system.Line{
			Name: "roles", Kind: system.KindRole, State: system.Unknown,
			Means: "What the roles say of themselves cannot be read while the store is away.", Detail: err.Error(),
		})
	}
	lines = append(lines, system.Places(a.where(ctx))...)
	roles := system.Roles(heard, now)
	if clock, _, err := a.Bus.Clock(ctx); err == nil {
		minute := clock.Minute
		if !clock.Done() {
			minute = clock.From
		}
		system.Answered(roles, minute, a.saidByCron(heard, now), now)
	}
	lines = append(lines, roles...)
	lines = append(lines, system.Versions(heard, now), system.TZData(heard, now))
	lines = append(lines, system.Clocks(heard, now)...)
	lines = append(lines, system.Steps(heard, now)...)
	lines = append(lines, a.streams(ctx)...)
	lines = append(lines, machines(heard, now)...)
	runners, err := a.runners(ctx)
	if err == nil {
		for _, r := range newest(runners) {
			lines = append(lines, system.Sandbox(r))
		}
	}
	return lines
}

// heard reads what the roles say of themselves.
func (a *API) heard(ctx context.Context) (all []system.Heard, err error) {
	heard, err := a.Bus.HeardRoles(ctx)
	for _, h := range heard {
		all = append(all, system.Heard(h))
	}
	return all, err
}

func (a *API) streams(ctx context.Context) (lines []system.Line) {
	all, faults := a.Bus.StreamStates(ctx)
	for _, s := range all {
		lines = append(lines, system.StreamLine(system.Stream(s)))
	}
	for name, err := range faults {
		lines = append(lines, system.NoStream(name, err))
	}
	return lines
}

// saidByCron is the newest minute up to which a cron says that nothing is owed: that of this process, or one that is
// there; 0 = none says.
func (a *API) saidByCron(heard []system.Heard, now time.Time) (newest events.Minute) {
	if a.Answered != nil {
		newest = a.Answered()
	}
	for _, h := range heard {
		if h.Role == "cron" && !h.Stopped && now.Sub(h.At) <= events.RoleAwayAfter {
			newest = max(newest, h.RoleState.Answered)
		}
	}
	return newest
}

// machines says what the roles that are there see of their machines.
func machines(heard []system.Heard, now time.Time) (lines []system.Line) {
	seen := map[string]bool{} // by host and folder: several processes share a disk
	for _, h := range heard {
		if h.Stopped || now.Sub(h.At) > events.RoleAwayAfter {
			continue
		}
		add := func(l system.Line) {
			l.Host = h.Host
			lines = append(lines, l)
		}
		for _, d := range h.Machine.Disks {
			if key := h.Host + "\x00" + d.Name + "\x00" + d.Path; !seen[key] {
				seen[key] = true
				add(system.Disk(d))
			}
		}
		if key := h.Instance; h.Machine.Descriptors.Used > 0 && !seen[key] {
			seen[key] = true
			add(system.Descriptors(h.Role, h.Machine.Descriptors))
		}
		if h.Machine.Watches.Limit > 0 {
			add(system.Watches(h.Machine.Watches))
			add(system.Instances(h.Machine.Instances))
		}
		if !h.Machine.Certificate.IsZero() {
			add(system.Certificate(h.Machine.Certificate, now))
		}
		if h.Endpoint != nil {
			add(system.Endpoint(*h.Endpoint))
		}
		if h.Waiting != nil {
			add(system.Notices(*h.Waiting))
		}
	}
	return lines
}

// newest leaves one state for each host and pool: a runner that was started again has
// another id.
func newest(runners []events.RunnerState) (all []events.RunnerState) {
	at := map[string]int{}
	for _, r := range runners {
		key := r.Host + "\x00" + r.Pool
		if i, ok := at[key]; ok {
			all[i] = r
			continue
		}
		at[key] = len(all)
		all = append(all, r)
	}
	return all
}
