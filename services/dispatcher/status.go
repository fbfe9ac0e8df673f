package dispatcher

import (
	"encoding/json"
	"fmt"
	"time"

	"spool.internal/events"
	"spool.internal/events/scrub"
)

// runStatus is the status of a run as the endpoint reports it.
type runStatus struct {
	running bool
	ended   bool
	status  events.Status // when it has ended
	message string        // when that is ERROR
	output  string        // output folder, when it is named
	at      time.Time     // when it ended; zero when that is not said
}

// readStatus reads an answer of the Job API. Endpoints report the end of a run in three ways, and each of them counts:
// state is no longer PENDING, state is DONE or COMPLETE, cur_status.status is COMPLETE, FAILED or CANCELLED. A run that
// is paused or stopped at a checkpoint has ended if state says so. The error says why the answer is of no use. Secrets
// are taken out of everything that is returned but the output folder.
func readStatus(code int, body []byte, secrets *scrub.Scrubber) (runStatus, error) {
	short := func(text string) string { return cutTo(response([]byte(text), secrets), 200) }
	var a statusAnswer
	switch err := json.Unmarshal(body, &a); {
	case code < 200 || code > 299:
		return runStatus{}, fmt.Errorf("HTTP %d: %s", code, short(string(body)))
	case err != nil:
		return runStatus{}, fmt.Errorf("an answer that cannot be read: %s", short(string(body)))
	case a.Status == string(events.ERROR):
		return runStatus{}, fmt.Errorf("ERROR: %s", short(a.Msg))
	}
	s := a.runStatus()
	s.message = response([]byte(s.message), secrets)
	return s, nil
}

// statusAnswer is an answer of the Job API.
type statusAnswer struct {
	Status  string          `json:"status"`
	Msg     string          `json:"msg"`
	State   string          `json:"state"`
	Results json.RawMessage `json:"results"`
	Current json.RawMessage `json:"cur_status"` // an object, or that object as JSON in a string
}

// runStatus returns what the answer means.
func (a statusAnswer) runStatus() runStatus {
	var current struct {
		Status   string  `json:"status"`
		Finished float64 `json:"finish_timestamp"` // unix seconds
	}
	var text string
	if json.Unmarshal(a.Current, &text) == nil {
		a.Current = json.RawMessage(text)
	}
	_ = json.Unmarshal(a.Current, &current) // of what cannot be read, nothing is known
	s := runStatus{running: current.Status == "RUNNING"}
	switch a.State {
	case "", "PENDING", "RUNNING":
	default:
		s.ended = true
	}
	switch current.Status {
	case "COMPLETE", "FAILED", "CANCELLED":
		s.ended = true
	}
	if !s.ended {
		return s
	}
	s.status = events.OK
	if current.Finished > 0 {
		s.at = time.Unix(int64(current.Finished), 0)
	}
	switch current.Status {
	case "", "COMPLETE", "RUNNING":
	default:
		s.status, s.message = events.ERROR, "the endpoint says "+current.Status
	}
	a.readResults(&s)
	return s
}

// readResults adds the results of the steps of a run that has ended.
func (a statusAnswer) readResults(s *runStatus) {
	var results []struct {
		Status string `json:"status"`
		Msg    string `json:"msg"`
		Output string `json:"output_folder"`
	}
	_ = json.Unmarshal(a.Results, &results)
	for _, r := range results {
		if s.output == "" {
			s.output = r.Output
		}
		if r.Status == string(events.ERROR) {
			s.status = events.ERROR
			if r.Msg != "" {
				s.message = r.Msg
			}
		}
	}
	if s.status == events.ERROR && s.message == "" {
		s.message = a.Msg
	}
}
