package events

import (
	"encoding/json"
	"time"
)

// RunExtras is what a run-binary call of a dispatcher says to the built-in runner
// beyond the API. It stands under "spool" in the body; RUNS keeps it with the run.
type RunExtras struct {
	Cause
	LocalSlot string   `json:"local_slot,omitzero"` // the nominal time of a slot, RFC 3339 in the job's zone
	Command   *Command `json:"command,omitempty"`   // in place of a binary

	Output *Placement `json:"output,omitempty"` // where what it wrote goes in the end
}

// Command is what a short job runs.
type Command struct {
	Line    string         `json:"line,omitzero"`
	Argv    []string       `json:"argv,omitempty"`
	Shell   string         `json:"shell,omitzero"`
	Env     []Variable     `json:"env,omitempty"`
	Secrets []ClosedSecret `json:"secrets,omitempty"`
	Cwd     string         `json:"cwd,omitzero"` // logical; empty = the output folder
	User    string         `json:"user,omitzero"`
}

// ClosedSecret is a secret on its way from a dispatcher to the runner: nobody but
// the two can open it, and only for its run.
type ClosedSecret struct {
	Name   string `json:"name"`
	File   bool   `json:"file,omitzero"`
	Closed string `json:"closed"`
}

// Command gives what a run is to be told of the command, with its secrets closed.
func (r RunOptions) Command(closed func(name, value string) string) *Command {
	if !r.Short() {
		return nil
	}
	c := &Command{Line: r.Line, Argv: r.Argv, Shell: r.Shell, Env: r.Env, User: r.User}
	if r.Cwd != (Path{}) {
		c.Cwd = r.Cwd.String()
	}
	for _, s := range r.Secrets {
		c.Secrets = append(c.Secrets, ClosedSecret{s.Name, s.File, closed(s.Name, s.Value)})
	}
	return c
}

// SlotTime spells the nominal time of a slot.
func SlotTime(slot Minute, zone *time.Location) string {
	return slot.Time().In(zone).Format(time.RFC3339)
}

// ReadRunExtras reads the object "spool" of a call; nil is what cannot be read.
func ReadRunExtras(raw json.RawMessage) *RunExtras {
	x := &RunExtras{}
	if json.Unmarshal(raw, x) != nil {
		return nil
	}
	return x
}
