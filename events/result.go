package events

import (
	"encoding/json"
	"strings"
	"time"
)

// Status is how an execution or a run came out.
type Status string

const (
	OK    Status = "OK"
	ERROR Status = "ERROR"
)

// Result is one execution: the run-binary call that one trigger led to. It
// says whether a run was accepted, not how the run ended; that is a [RunEvent].
type Result struct {
	TriggerID    string    `json:"trigger_id"`
	JobID        string    `json:"job_id"`
	Kind         Kind      `json:"kind"`
	Minute       Minute    `json:"minute,omitzero"`        // cron: the slot
	Slot         time.Time `json:"slot,omitzero"`          // cron: the nominal time, UTC
	Job          *JobRef   `json:"job,omitempty"`          // as it was when it was called for
	File         *File     `json:"file,omitempty"`         // file: which
	TriggeredAt  time.Time `json:"triggered_at"`           // when the trigger was stored
	StartedAt    time.Time `json:"started_at"`             // when the last call began
	EndedNS      int64     `json:"ended_ns"`               // when the last call ended, ns since 1970
	Status       Status    `json:"status"`                 //
	FlowJobID    string    `json:"flow_job_id,omitzero"`   // from the answer, when it names one
	OutputFolder string    `json:"output_folder,omitzero"` // from the answer, when it names one
	Attempts     int       `json:"attempts"`               // calls that this dispatcher knows of
	RerunOf      string    `json:"rerun_of,omitzero"`      // see [Trigger]
	Outcome      Outcome   `json:"outcome,omitzero"`       // of the call, see [Result.Judge]
	Why          string    `json:"why,omitzero"`           // a sentence that says how the outcome came
	By           string    `json:"by,omitzero"`            // manual: the user who asked
	Down         *Downtime `json:"down,omitempty"`         // see [Trigger]
	Calls        []Call    `json:"calls,omitempty"`        // the last calls that failed, as far as the dispatcher knows

	// HTTP is the answer of the last call. It stands last: a listing copies it
	// out of the stored body without reading the rest.
	HTTP HTTPResult `json:"http_result"`
}

// Call is a call that failed and was made again.
type Call struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Answer  string    `json:"answer"` // the HTTP status and what was said, or why there was no answer
	Next    time.Time `json:"next"`   // when it was to be made again
}

// MaxCalls is how many failed calls a result keeps.
const MaxCalls = 10

// Origin names the first trigger of what was executed: its own, unless it was a rerun.
func (r Result) Origin() string {
	if r.RerunOf != "" {
		return r.RerunOf
	}
	return r.TriggerID
}

// maxError is how long the error of a result is, in characters.
const maxError = 120

// Error is why a call failed in so few words that results which failed alike have the
// same: the end of a chain of causes, the words of an endpoint that has some, or its
// status.
func (r Result) Error() string {
	text := firstLine(r.HTTP.Why())
	switch {
	case r.HTTP.Status == "0":
		text = text[strings.LastIndex(text, ": ")+1:]
	case text == firstLine("HTTP status "+r.HTTP.Status+": "+r.HTTP.Response):
		text = "HTTP status " + r.HTTP.Status
	}
	if text = strings.TrimSpace(text); text == "" {
		return "no answer"
	}
	if runes := []rune(text); len(runes) > maxError {
		text = string(runes[:maxError]) + "…"
	}
	return text
}

// HTTPResult is an HTTP answer as the v1 API shows it. Where there was no
// answer, Status is "0", Headers is empty and Response says why.
type HTTPResult struct {
	Status   string   `json:"status"`   // decimal HTTP status
	Headers  []Header `json:"headers"`  // never null
	Response string   `json:"response"` // the raw body, cut at [MaxResponse]
}

// Why tells why a call failed, in the words of an endpoint that has some.
func (h HTTPResult) Why() string {
	var answer struct {
		Msg string `json:"msg"`
	}
	switch {
	case h.Status == "0":
		return h.Response
	case json.Unmarshal([]byte(h.Response), &answer) == nil && answer.Msg != "":
		return answer.Msg
	}
	return "HTTP status " + h.Status + ": " + h.Response
}

// Header is one HTTP header line.
type Header struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Bounds on what a result keeps of an answer; a cut is marked.
const (
	MaxResponse = 64 << 10
	MaxHeaders  = 16 << 10
	CutMark     = "… (cut by Spool)"
)
