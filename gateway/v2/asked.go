package v2

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// maxAsked is how long the request of a subscriber may be, in bytes.
const maxAsked = 8 << 10

// Asked answers the request of a subscriber for a run, which came over NATS: with
// what POST /jobs/{job_id}/trigger answers, and its HTTP status.
func (a *API) Asked(ctx context.Context, name string, request []byte) (status int, answer []byte) {
	w := &page{header: http.Header{}}
	id, err := a.ask(ctx, name, request)
	if err != nil {
		wire.Fail(w, a.Log.With("subscriber", name), err)
		return w.status, w.body.Bytes()
	}
	wire.Write(w, http.StatusAccepted, triggered{id})
	return w.status, w.body.Bytes()
}

func (a *API) ask(ctx context.Context, name string, request []byte) (triggerID string, err error) {
	sub, at, err := a.Bus.Subscriber(ctx, name)
	if err != nil {
		return "", err
	}
	if at == 0 || !sub.MayTrigger(time.Now()) {
		return "", events.Faultf(events.Forbidden, "", "the subscriber %s may not trigger jobs: make one with --may-trigger", name)
	}
	if len(request) > maxAsked {
		return "", wire.Refuse(http.StatusRequestEntityTooLarge, events.Invalid, "", "the request is %s", wire.LongerThan(maxAsked))
	}
	in, err := wire.FieldsOf(request, "job", "job_id", "idempotency_key")
	if err != nil {
		return "", err
	}
	job, id, key := in.Text("job"), strings.ToLower(in.Text("job_id")), in.Text("idempotency_key")
	switch {
	case in.Err() != nil:
		return "", in.Err()
	case job != "" && id != "":
		return "", events.Faultf(events.Invalid, "job", "is given beside job_id: one of them is right")
	case job == "" && id == "":
		return "", events.Faultf(events.Invalid, "job", `is required: the id of a job, or its whole name, as {"job": "invoices"}`)
	case len(key) > maxIdempotencyKey:
		return "", events.Faultf(events.Invalid, "idempotency_key", "is longer than %d bytes", maxIdempotencyKey)
	}
	who := change.Caller{Token: events.Token{Owner: sub.By, Role: events.Admin}, From: "NATS"} // only administrators make subscribers
	if id == "" {
		if id, err = a.named(ctx, who, job); err != nil {
			return "", err
		}
	}
	if sub.JobID != "" && sub.JobID != id {
		return "", events.Faultf(events.Forbidden, "job", "the subscriber %s may trigger the job %s and no other", name, sub.JobID)
	}
	if key != "" {
		key = "subscriber\x00" + name + "\x00" + key
	}
	return a.Changes.Trigger(ctx, who, id, key, nil)
}

// named finds a job by its id or by its whole name, which no two may have.
func (a *API) named(ctx context.Context, who change.Caller, text string) (id string, err error) {
	if id := strings.ToLower(text); uuid.Validate(id) == nil {
		return id, nil
	}
	if err := a.Jobs.Refresh(ctx); err != nil {
		return "", err
	}
	owner, err := who.OwnerFor("*")
	if err != nil {
		return "", err
	}
	for job := range a.Jobs.Oldest(owner, 0, "") {
		if job.Name != text {
			continue
		}
		if id != "" {
			return "", events.Faultf(events.Invalid, "job", "more than one job is called %q: give the id of one, as %s or %s", text, id, job.ID)
		}
		id = job.ID
	}
	if id == "" {
		return "", events.Faultf(events.NotFound, "job", "no job is called %q: give its id, or its whole name", text)
	}
	return id, nil
}

// page is an answer that is kept in memory.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *page) Header() http.Header                  { return p.header }
func (p *page) WriteHeader(status int)               { p.status = status }
func (p *page) Write(text []byte) (n int, err error) { return p.body.Write(text) }
