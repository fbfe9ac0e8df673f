package runner

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/admission"
	"spool.internal/gateway/wire"
)

// caller is who asks, and on whose behalf.
type caller struct {
	events.Token             // of a direct call; for a job one that may do everything in the name of its owner
	jobID        string      // the job that a dispatcher calls for; empty for a direct call
	as           events.Role // of the owner, see [events.Job.Role]
	chain        []string    // see [events.File.Chain]

	retries  events.Retries
	profiles []string
	place    string // the machine that the run belongs on; empty = any
}

// authenticate finds out who calls. A dispatcher that knows our secret speaks
// for the owner of a job; then the job's own token is not looked at.
func (r *Runner) authenticate(req *http.Request) (caller, error) {
	conn := admission.Of(req.Context())
	c, who, err := r.identify(req)
	if events.CodeOf(err) == events.Unauthorized {
		conn.Demote()
	}
	if err != nil {
		return caller{}, err
	}
	valid := func() bool {
		_, _, err := r.identify(req)
		return events.CodeOf(err) != events.Unauthorized
	}
	if conn.Admit(admission.Request, who, valid) != "" {
		return caller{}, events.Faultf(events.Unavailable, "", "too many requests at once: try again")
	}
	return c, nil
}

// identify also says whom the request is counted as.
func (r *Runner) identify(req *http.Request) (caller, admission.Caller, error) {
	if secret := req.Header.Get(events.HeaderDispatcher); secret != "" {
		if r.cfg.Secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(r.cfg.Secret)) != 1 {
			return caller{}, admission.Caller{}, events.Faultf(events.Unauthorized, events.HeaderDispatcher, "is not the secret of this runner")
		}
		c, err := fromDispatcher(req.Header)
		return c, admission.Caller{Key: "dispatcher", Rank: admission.Service}, err
	}
	var t events.Token
	token, err := wire.Bearer(req)
	if err == nil {
		t, err = r.cfg.Keys.Verify(token, time.Now())
	}
	if err != nil {
		return caller{}, admission.Caller{}, err
	}
	c := caller{Token: t, as: t.Role, place: r.cfg.Place} // who calls by itself means the files of the machine that it calls
	return c, admission.ByToken(t.ID, t.Role == events.Admin), nil
}

// fromDispatcher reads whom a dispatcher speaks for. The owner is percent-encoded.
func fromDispatcher(h http.Header) (caller, error) {
	owner, err := url.PathUnescape(h.Get(events.HeaderOwner))
	if err != nil || owner == "" {
		return caller{}, events.Faultf(events.Invalid, events.HeaderOwner, "must be the percent-encoded name of the job's owner")
	}
	jobID := h.Get(events.HeaderJobID)
	if !isToken(jobID) {
		return caller{}, events.Faultf(events.Invalid, events.HeaderJobID, "must be the id of a job")
	}
	// A job goes on with the paths that it has.
	c := caller{
		Token: events.Token{Owner: owner, Role: events.Admin}, jobID: jobID,
		as: events.Role(h.Get(events.HeaderRole)), chain: events.ParseChain(h.Get(events.HeaderChain)),
	}
	if text := h.Get(events.HeaderRetries); text != "" && json.Unmarshal([]byte(text), &c.retries) != nil {
		return caller{}, events.Faultf(events.Invalid, events.HeaderRetries, "cannot be read")
	}
	if c.place, err = url.PathUnescape(h.Get(events.HeaderPlace)); err != nil {
		return caller{}, events.Faultf(events.Invalid, events.HeaderPlace, "must be the percent-encoded name of a machine")
	}
	if text := h.Get(events.HeaderProfiles); text != "" {
		c.profiles = strings.Split(text, ",")
	}
	return c, nil
}

// mayRun refuses who may only read.
func (c caller) mayRun() error {
	if c.MayWrite() == nil {
		return nil
	}
	return events.Faultf(events.Forbidden, "", "a token of role %s may not start runs: use one of role operator or admin", c.Role)
}

// may refuses an order whose paths the caller does not reach. What Spool keeps
// on a drive can only be input, as the stage of a file is.
func (c caller) may(o order) error {
	if c.jobID == "" && o.binary.Reserved() {
		return events.Reserves("binary_path")
	}
	if c.jobID == "" && o.output.Reserved() {
		return events.Reserves("settings.output_dir")
	}
	if c.jobID == "" && o.extras != nil && o.extras.Command != nil {
		return events.Faultf(events.Forbidden, "spool.command", "is said by Spool's dispatcher alone: leave it out, and make a job (POST /api/v2/jobs) to run a command")
	}
	return c.Access().CheckRun(o.binary, o.input, o.output)
}
