package runner

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"spool.internal/events"
)

// jobStatus answers GET /api/v1/jobs/status. Programs tell an end by state, by
// results or by cur_status; all three say the same.
func (r *Runner) jobStatus(w http.ResponseWriter, req *http.Request) {
	body, err := r.status(req)
	if err != nil {
		refuse(w, r.log, err)
		return
	}
	answer(w, http.StatusOK, body)
}

type statusAnswer struct {
	Status    events.Status  `json:"status"`
	State     string         `json:"state"` // PENDING or DONE
	JobID     string         `json:"job_id"`
	Msg       string         `json:"msg"`
	Results   []statusResult `json:"results,omitempty"` // once the run has ended
	CurStatus string         `json:"cur_status"`        // a [curStatus], as JSON in a string
}

type statusResult struct {
	Status       events.Status `json:"status"`
	OutputFolder string        `json:"output_folder,omitzero"` // when OK
	Msg          string        `json:"msg,omitzero"`           // when ERROR
}

type curStatus struct {
	Status      string `json:"status"` // RUNNING, COMPLETE or FAILED
	Progress    int    `json:"curProgress"`
	Finished    int64  `json:"finish_timestamp,omitzero"` // unix seconds
	Reviewer    string `json:"reviewer"`
	ReviewState string `json:"review_state"`
}

func (r *Runner) status(req *http.Request) (statusAnswer, error) {
	c, err := r.authenticate(req)
	if err != nil {
		return statusAnswer{}, err
	}
	args := req.URL.Query()
	if typ := args.Get("type"); typ != "" && typ != "flow" {
		return statusAnswer{}, events.Faultf(events.Invalid, "type", "%q is not known here: flow is", typ)
	}
	run, err := r.find(req.Context(), c, args.Get("job_id"))
	if err != nil {
		return statusAnswer{}, err
	}
	ended, seq, err := r.bus.RunEvent(req.Context(), events.Ended, run.JobID, run.FlowJobID)
	if err != nil {
		return statusAnswer{}, err
	}
	if seq == 0 {
		return describe(run, nil), nil
	}
	return describe(run, &ended), nil
}

// find reads an accepted run that the caller may see. What it may not see it
// cannot tell from what does not exist.
func (r *Runner) find(ctx context.Context, c caller, id string) (events.Run, error) {
	unknown := events.Faultf(events.NotFound, "job_id", "no such job")
	parsed, err := uuid.Parse(id)
	if err != nil {
		return events.Run{}, unknown
	}
	run, found, err := r.bus.AcceptedRun(ctx, parsed.String())
	if err != nil {
		return events.Run{}, err
	}
	if !found || !c.maySee(run) {
		return events.Run{}, unknown
	}
	return run, nil
}

// describe puts a run into the words of the Job API; ended is nil before its end.
func describe(run events.Run, ended *events.RunEvent) statusAnswer {
	a := statusAnswer{Status: events.OK, State: "PENDING", JobID: run.FlowJobID}
	cur := curStatus{Status: "RUNNING", ReviewState: "NONE"}
	if ended != nil {
		a.State, a.Msg = "DONE", ended.Message
		cur.Finished = ended.At.Unix()
		if ended.Status == events.OK {
			cur.Status, cur.Progress = "COMPLETE", 1
			a.Results = []statusResult{{Status: events.OK, OutputFolder: run.OutputFolder}}
		} else {
			cur.Status = "FAILED"
			a.Results = []statusResult{{Status: events.ERROR, Msg: ended.Message}}
		}
	}
	a.CurStatus = string(events.Encode(cur))
	return a
}
