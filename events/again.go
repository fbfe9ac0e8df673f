package events

import "time"

// NoticeAgain asks for a notice of the end of a run to be sent again that was given up.
type NoticeAgain struct {
	JobID     string    `json:"job_id"`
	FlowJobID string    `json:"flow_job_id"`
	Channel   Channel   `json:"channel"`
	By        string    `json:"by"`
	At        time.Time `json:"at"`
}
