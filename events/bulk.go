package events

import "time"

// Bulk is one action on many things: how it was asked for, and how far it is.
type Bulk struct {
	ID     string     `json:"bulk_id"`
	Of     BulkOf     `json:"of"`
	Action BulkAction `json:"action"`
	State  BulkState  `json:"state"`
	Count  int        `json:"count"` // of the things that were selected
	List   string     `json:"list"`  // names the list of them

	By      string    `json:"by"` // user
	From    string    `json:"from"`
	Role    Role      `json:"role"`           // what the token might do with which it was begun
	Paths   []string  `json:"paths,omitzero"` // likewise
	TokenID string    `json:"token_id"`       // when it is revoked, the action stops
	Reason  string    `json:"reason,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`

	At     int           `json:"at"`    // things of the list that are settled
	Ahead  int           `json:"ahead"` // those from At up to here may be done, by a worker that has ended since
	Done   int           `json:"done"`
	Failed []BulkFailure `json:"failed,omitempty"` // the first [MaxBulkFailures]
	Fails  int           `json:"fails"`            // all that failed

	Worker  string `json:"worker,omitzero"`  // who works on it
	Message string `json:"message,omitzero"` // why it waits, or has stopped
}

// BulkOf says what the things of a [Bulk] are.
type BulkOf string

const (
	BulkJobs        BulkOf = "jobs"
	BulkDeadLetters BulkOf = "dead_letters"
)

// BulkAction is what a [Bulk] does with each thing.
type BulkAction string

const (
	BulkEnable  BulkAction = "enable"
	BulkDisable BulkAction = "disable"
	BulkRun     BulkAction = "run"
	BulkDelete  BulkAction = "delete"
	BulkRetry   BulkAction = "retry"
	BulkDrop    BulkAction = "drop"
)

// BulkState says whether a [Bulk] goes on.
type BulkState string

const (
	BulkRunning BulkState = "running"
	BulkDone    BulkState = "done"
	BulkStopped BulkState = "stopped" // before its end; Message says why
)

// BulkItem is one thing of a list, as it was when it was counted.
type BulkItem struct {
	ID  string `json:"id"`
	Seq uint64 `json:"seq"`
}

// BulkFailure is a thing that an action was not done with.
type BulkFailure struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}

// Bounds of a [Bulk].
const (
	MaxBulk         = 100_000 // things
	MaxBulkFailures = 1000    // that are told one by one
	maxBulkMessage  = 300     // bytes of why one failed
)

// Settle takes in what became of the next things of the list, nil for those that the
// action was done with.
func (b *Bulk) Settle(items []BulkItem, outcomes []error) {
	for i, err := range outcomes {
		b.At++
		if err == nil {
			b.Done++
			continue
		}
		if b.Fails++; len(b.Failed) < MaxBulkFailures {
			text := err.Error()
			if len(text) > maxBulkMessage {
				text = text[:maxBulkMessage] + "…"
			}
			b.Failed = append(b.Failed, BulkFailure{items[i].ID, text})
		}
	}
}

// End says that the action goes no further; why is empty when it is through.
func (b *Bulk) End(now time.Time, why string) {
	b.State, b.Message, b.Ended, b.Worker = BulkDone, why, now.UTC(), ""
	if why != "" {
		b.State = BulkStopped
	}
}
