package events

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Phase is a step in the life of a run.
type Phase string

const (
	Accepted   Phase = "accepted"
	Started    Phase = "started"
	Cancelling Phase = "cancelling" // somebody has asked for the end of a run that has started; Message says who
	Retrying   Phase = "retrying"   // an attempt has failed; Next says when the run is tried again, see [Retries]
	Ended      Phase = "ended"

	// Undelivered is no step of the run: somebody who asked to be told of its end
	// could not be; Message says who and why.
	Undelivered Phase = "undelivered"

	// Told is no step either: a notice of its end was delivered by a channel.
	Told Phase = "told"
)

// Channel is a way in which the end of a run, or the state of a job, is told.
type Channel string

const (
	ChannelWebhook   Channel = "webhook"
	ChannelEmail     Channel = "email"
	ChannelHeartbeat Channel = "heartbeat" // a call after each run that ended OK; tells no state
)

// Channels lists them.
var Channels = []Channel{ChannelWebhook, ChannelEmail, ChannelHeartbeat}

// Run is a run that the built-in runner has accepted, as it waits in the queue.
type Run struct {
	FlowJobID    string          `json:"flow_job_id"` // see [FlowJobID]
	TriggerID    string          `json:"trigger_id,omitzero"`
	JobID        string          `json:"job_id,omitzero"` // empty for a direct call
	Owner        string          `json:"owner"`
	Role         Role            `json:"role,omitzero"`        // of the owner: see [Job.Role]; of a direct call, that of the token
	BinaryPath   string          `json:"binary_path,omitzero"` // logical
	InputDir     string          `json:"input_dir,omitzero"`   // logical
	InputLook    string          `json:"input_look,omitzero"`  // see [File.Look]
	OutputFolder string          `json:"output_folder"`        // logical
	Settings     json.RawMessage `json:"settings,omitempty"`
	Chain        []string        `json:"chain,omitempty"` // see [File.Chain]
	Retries      Retries         `json:"retries,omitzero"`
	Profiles     []string        `json:"profiles,omitempty"` // see [Profile]
	AcceptedAt   time.Time       `json:"accepted_at"`
	Place        string          `json:"place,omitempty"` // the machine that it has to run on; empty = any runner of the pool
	Cause
	Spool *RunExtras `json:"spool,omitempty"`
}

// Over is what stays known of a run that has ended: who may ask for it, and what a
// repeated call is answered with. Its events tell the rest.
func (r Run) Over() Run {
	return Run{
		FlowJobID: r.FlowJobID, TriggerID: r.TriggerID, JobID: r.JobID, Owner: r.Owner,
		OutputFolder: r.OutputFolder, AcceptedAt: r.AcceptedAt,
	}
}

// RunEvent is one phase of one run. The fields below Attempt belong to the
// phases named beside them.
type RunEvent struct {
	Phase        Phase     `json:"phase"`
	At           time.Time `json:"at"`
	FlowJobID    string    `json:"flow_job_id"`
	TriggerID    string    `json:"trigger_id,omitzero"`
	JobID        string    `json:"job_id,omitzero"`
	Owner        string    `json:"owner"`
	BinaryPath   string    `json:"binary_path"`
	InputDir     string    `json:"input_dir"`
	OutputFolder string    `json:"output_folder"`    // where it writes; in ended, where that lies, see [Placement]
	Chain        []string  `json:"chain,omitempty"`  // see [File.Chain]
	Attempt      int       `json:"attempt,omitzero"` // 1, 2, …; all but accepted
	Place        string    `json:"place,omitempty"`  // the machine that it waits for or runs on; empty = any, see [Run]

	// Attempts are those before, and where the run has had more than one, those that
	// are over are all there when it is retrying or ended.
	Attempts []Attempt `json:"attempts,omitempty"`

	Outcome Outcome `json:"outcome,omitzero"` // after this event
	Why     string  `json:"why,omitzero"`     // retrying, ended: a sentence that says how the outcome came
	Cause

	Process *Process `json:"process,omitempty"` // started
	Unmet   []string `json:"unmet,omitempty"`   // started: what of the sandbox is lacking, see [RunnerState], and what flows go without: tmp, shm, proc

	StartedAt  time.Time `json:"started_at,omitzero"`  // retrying, ended: when the last attempt did
	Status     Status    `json:"status,omitzero"`      // retrying, ended
	Message    string    `json:"message,omitzero"`     // retrying, ended: why it is ERROR, or what else there is to say; cancelling: who asks
	ExitStatus *int      `json:"exit_status,omitzero"` // retrying, ended: absent when a signal or Spool ended it
	Next       time.Time `json:"next,omitzero"`        // retrying: when the next attempt starts
	Channel    Channel   `json:"channel,omitzero"`     // undelivered, told

	// Of what the run wrote, in `ended`: the first files by name, at most
	// [MaxOutputs], how many there are (absent: nobody has counted), and the result
	// that the flow left in SPOOL_RESULT.
	Outputs     []Output        `json:"outputs,omitempty"`
	OutputCount *int            `json:"output_count,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"`
}

// CancelledBy begins the message of a run that somebody has ended.
const CancelledBy = "cancelled by "

// Cancelled reports that the run was ended because somebody asked for that.
func (ev RunEvent) Cancelled() bool {
	return ev.Phase == Ended && strings.HasPrefix(ev.Message, CancelledBy)
}

// Interrupted reports that an attempt was cut short, because its runner or its machine stopped or died,
// and that nothing of it is left: the next one may begin at once, wherever the files are.
func (ev RunEvent) Interrupted() bool { return ev.Phase == Retrying && ev.Status == "" }

// Process identifies the process group of a flow, so that a later runner can
// prove it dead. Process ids are reused; the start time and the boot tell.
type Process struct {
	Host      string `json:"host"`            // host name
	Place     string `json:"place,omitempty"` // the machine, whatever its host is called now; empty = the host is
	Boot      string `json:"boot"`            // boot id of the kernel; empty where there is none
	PID       int    `json:"pid"`             // process and process group
	StartTime string `json:"start_time"`      // as the kernel spells it; opaque

	Runner string `json:"runner,omitzero"` // the id of the data folder of its runner, which has the log
}

var flowSpace = uuid.MustParse("5d0c3f2e-6f7a-5b3c-9a55-2f0b7a6f1c11")

// FlowJobID derives the identity of a run from its owner and the
// Idempotency-Key of the call, so that the same call always names the same run.
func FlowJobID(owner, key string) string {
	return uuid.NewSHA1(flowSpace, []byte(owner+"\x00"+key)).String()
}
