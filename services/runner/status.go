package runner

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
)

// jobStatus answers GET /api/v1/jobs/status. Programs tell an end by state, by
// results or by cur_status; all three say the same.
func (r *Runner) jobStatus(w http.ResponseWriter, req *http.Request) {
	body, err := r.status(req)
	if err != nil {
		refuse(w, r.log, err)
		return
	}
	wire.Write(w, http.StatusOK, body)
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
	Status      string `json:"status"` // RUNNING, COMPLETE, FAILED or CANCELLED
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
	run, err := r.find(req.Context(), c, strings.ToLower(args.Get("job_id")))
	if err != nil {
		return statusAnswer{}, err
	}
	last, _, err := r.lastOf(req.Context(), run)
	if err == nil {
		err = known(last)
	}
	if err != nil {
		return statusAnswer{}, err
	}
	a := describe(run, last)
	if last.Phase == "" || last.Phase == events.Accepted {
		ahead, waits, err := r.bus.RunsAhead(req.Context(), jet.RunConsumer(r.queueOf(run)), r.queueOf(run), run.FlowJobID)
		if err != nil {
			return statusAnswer{}, err
		}
		if waits {
			a.Msg = fmt.Sprintf("queued: %d ahead of it", ahead)
		} else if _, paused, err := r.bus.PausedRun(req.Context(), run.JobID, run.FlowJobID); err == nil && paused {
			a.Msg = "waits: " + events.WhyPaused
		}
	}
	return a, nil
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
	if !found || !c.MaySee(run.Owner) {
		return events.Run{}, unknown
	}
	return run, nil
}

// describe puts a run into the words of the Job API.
func describe(run events.Run, last events.RunEvent) statusAnswer {
	a := statusAnswer{Status: events.OK, State: "PENDING", JobID: run.FlowJobID}
	cur := curStatus{Status: "RUNNING", ReviewState: "NONE"}
	if last.Phase == events.Retrying {
		a.Msg = fmt.Sprintf("attempt %d failed (%s); the next starts at %s", last.Attempt, last.Message, last.Next.Format(time.RFC3339))
	}
	if last.Phase == events.Ended {
		a.State, a.Msg = "DONE", last.Message
		cur.Finished = last.At.Unix()
		switch {
		case last.Status == events.OK:
			cur.Status, cur.Progress = "COMPLETE", 1
			a.Results = []statusResult{{Status: events.OK, OutputFolder: last.OutputFolder}}
		case last.Cancelled():
			cur.Status = "CANCELLED"
		default:
			cur.Status = "FAILED"
		}
		if last.Status != events.OK {
			a.Results = []statusResult{{Status: events.ERROR, Msg: last.Message}}
		}
	}
	a.CurStatus = string(events.Encode(cur))
	return a
}
