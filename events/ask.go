package events

import "time"

// What gateways ask the runner that has a run, and what it answers. The bytes of a part
// travel beside these.

// MaxPart is how many bytes an answer of a runner may hold.
const MaxPart = 256 << 10

// LogAsk asks for a part of what a run has printed.
type LogAsk struct {
	FlowJobID string        `json:"flow_job_id"`
	Offset    int64         `json:"offset,omitzero"` // where in the log the part begins
	Lines     int64         `json:"lines,omitzero"`  // the last so many lines, in place of Offset
	Bytes     int64         `json:"bytes,omitzero"`  // the last so many bytes, in place of Offset
	Printed   int64         `json:"printed,omitzero"`
	Most      int           `json:"most,omitzero"`   // bytes; 0 = none, only what is to be said of the log
	Wait      time.Duration `json:"wait,omitzero"`   // for how long to wait where the log ends and the run goes on
	Number    bool          `json:"number,omitzero"` // to say the number of the line, too, that the part begins in
}

// LogPart is a part of a log.
type LogPart struct {
	Offset   int64     `json:"offset"` // where it begins; -1: what was printed last, which has no place in the log yet
	Size     int64     `json:"size"`   // of the log
	Modified time.Time `json:"modified"`
	Live     bool      `json:"live,omitzero"`    // its attempt goes on
	Full     bool      `json:"full,omitzero"`    // and the log takes no more until it ends
	Printed  int64     `json:"printed,omitzero"` // then: how much the attempt had printed at the end of the part, to go on from there
	Line     int64     `json:"line,omitzero"`    // the number of the line that it begins in, from 1; 0: nobody asked, or it has no place
}

// OutputAsk asks for what a run has written: a page of files, or a part of one.
type OutputAsk struct {
	FlowJobID string `json:"flow_job_id"`
	After     string `json:"after,omitzero"`
	Limit     int    `json:"limit,omitzero"` // files; 0 = a part of a file
	File      string `json:"file,omitzero"`  // below the folder
	Offset    int64  `json:"offset,omitzero"`
	Most      int    `json:"most,omitzero"`
}

// OutputPart answers it.
type OutputPart struct {
	Files    []OutputFile `json:"-"`             // they travel as the bytes
	More     bool         `json:"more,omitzero"` // files stand behind them
	Size     int64        `json:"size,omitzero"` // of the file
	Modified time.Time    `json:"modified,omitzero"`
}

// OutputFile is a file as it lies in the output folder of a run.
type OutputFile struct {
	Path     string    `json:"path"` // below it
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

// CancelAsk asks for the end of a run.
type CancelAsk struct {
	FlowJobID string `json:"flow_job_id"`
	By        string `json:"by"`
}

// CancelPart is the last event of the run then.
type CancelPart struct {
	Last RunEvent `json:"last"`
}
