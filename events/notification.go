package events

import "time"

// A job is well or not in each of these respects, whatever the others say.
const (
	AboutRun    = "run"    // how its last run ended, or that its call was given up: failed, dead
	AboutSlots  = "slots"  // whether its slots are answered: missed
	AboutStart  = "start"  // whether its runs start, or its files come, in time: late
	AboutLength = "length" // whether its runs end in time: too_long
	AboutFolder = "folder" // whether its folder can be read: blocked
	AboutHold   = "hold"   // whether it, or one of its files, is held back: held

	AboutWebhook   = "webhook"   // whether webhook_config.url is called: off
	AboutNotify    = "notify"    // the same of notify.to.webhook
	AboutHeartbeat = "heartbeat" // the same of heartbeat

	AboutBalance = "balance" // of no job: the balance of a day is to be told
)

// Respects lists those of jobs.
var Respects = []string{AboutRun, AboutSlots, AboutStart, AboutLength, AboutFolder, AboutHold}

// AboutURL are the respects in which one of the [URLPointers] can be off.
var AboutURL = map[string]string{WebhookURLPointer: AboutWebhook, NotifyURLPointer: AboutNotify, HeartbeatPointer: AboutHeartbeat}

// Off is the state of a URL whose receiver answered 410: nobody is told of it, and it
// ends with any change of the URL.
const Off Condition = "off"

// URLKey tells a URL of a job from any that it had before, without showing it.
func (j *Job) URLKey(pointer string) string {
	key := j.Secrets[pointer]
	if hook := j.URL(pointer); key == "" && hook != nil {
		key = hook.URL
	}
	return Hash(key)
}

// Notification says that the state of a job has changed in one respect. The newest
// of a job and respect is its state; there is none where nothing was ever wrong.
type Notification struct {
	JobID   string    `json:"job_id,omitzero"` // empty: it is about no job
	About   string    `json:"about"`           // one of [Respects]
	State   Condition `json:"state"`           // [Recovered]: it is well again; a day where it is about a balance
	Before  Condition `json:"before,omitzero"` // what it was, where it was not well
	At      time.Time `json:"at"`              // of what was seen to change it; older sights change nothing
	Message string    `json:"message,omitzero"`

	TriggerID    string    `json:"trigger_id,omitzero"`    // what changed it, where that is an execution
	FlowJobID    string    `json:"flow_job_id,omitzero"`   // or a run
	OutputFolder string    `json:"output_folder,omitzero"` // of the run
	File         string    `json:"file,omitzero"`          // that it was about, below the watched folder
	Of           string    `json:"of,omitzero"`            // off: [Job.URLKey] of the URL
	Slot         time.Time `json:"slot,omitzero"`          // missed and late: which slot, or deadline
}

// Well reports whether the state is nothing to worry about.
func (n Notification) Well() bool { return n.State == "" || n.State == Recovered }

// Undeliverable is a notification that was given up by one channel.
type Undeliverable struct {
	JobID   string    `json:"job_id,omitzero"`
	About   string    `json:"about"`
	Of      uint64    `json:"of"`      // sequence of the [Notification]
	Channel Channel   `json:"channel"` // all but the heartbeat
	At      time.Time `json:"at"`
	Message string    `json:"message"` // to whom, and why
}
