package change

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// jobSpace is the namespace of the ids of jobs that are made from a caller's key.
var jobSpace = uuid.MustParse("b0c6a1c4-3f5d-5a0e-9d55-2e8f5f4a7c11")

// requestPointer is where the hash of a request is closed for.
const requestPointer = "request"

// Request is a request to make a job, that may be sent again. The zero value is one that
// makes another job each time.
type Request struct {
	ID  string // of the job
	sum string // of what the body says
}

// RequestOf names the job of a request by who asks and by the key that he gave it: the
// creation under that id is the claim on the key. "" is no key.
func RequestOf(who Caller, key string, body events.Object) Request {
	if key == "" {
		return Request{}
	}
	sum := sha256.Sum256(canonical(body))
	return Request{uuid.NewSHA1(jobSpace, []byte(who.keyed(key))).String(), hex.EncodeToString(sum[:])}
}

// canonical is the same for two bodies that say the same, however they are spaced and
// in whatever order their keys stand.
func canonical(o events.Object) []byte {
	raw := events.Encode(o)
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return raw
	}
	return events.Encode(v)
}

// Made gives the job that a request has made before. That it was another request under
// the same key, or that the job is deleted since, is a fault.
func (j *Jobs) Made(ctx context.Context, r Request) (rev events.JobRevision, made bool, err error) {
	if r.ID == "" {
		return rev, false, nil
	}
	rev, found, err := j.Store.LastJob(ctx, r.ID)
	if err != nil || !found {
		return rev, false, err
	}
	if rev.Gone() {
		return rev, true, wire.Refuse(http.StatusConflict, events.Conflict, events.HeaderKey,
			"has made a job before, which %s deleted on %s: send another key to make one", rev.Event.By, rev.Event.At.UTC().Format("2006-01-02 15:04 MST"))
	}
	key, err := j.shownKey(ctx)
	if err != nil {
		return rev, true, err
	}
	if sum, err := key.Open(rev.Event.Job.Request, r.ID, requestPointer); err != nil || sum != r.sum {
		return rev, true, wire.Refuse(http.StatusConflict, events.Conflict, events.HeaderKey,
			"was sent before with another body, and made the job %q: send another key, or the same body", rev.Event.Job.Name)
	}
	return rev, true, nil
}
