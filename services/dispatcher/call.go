package dispatcher

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"spool.internal/events"
	"spool.internal/events/scrub"
)

// maxHeaderRead bounds the headers of an answer. It is generous: by then the run is accepted, and a retry would not
// help.
const maxHeaderRead = 4 << 20

func newClient(cfg Config, verify bool) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, cfg.Workers // one for each worker: a new connection costs more than a call
	t.MaxResponseHeaderBytes = maxHeaderRead
	if !verify {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the job says so: verify_ssl_certificate
	}
	return &http.Client{
		Transport: t, Timeout: cfg.CallTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// client returns the client for a job, which verifies certificates unless verify_ssl_certificate is false.
func (d *Dispatcher) client(p *events.Parameters) *http.Client {
	if p.VerifySSL {
		return d.strict
	}
	return d.lax
}

// outcome is what came of an attempt: a result, a verdict in place of one, or nothing yet.
type outcome struct {
	events.Result
	passing bool          // the call failed for a reason that may pass
	refused bool          // no connection to the endpoint could be made
	asked   time.Duration // how long the endpoint asks to be left alone
	dead    bool          // the trigger is given up

	verdict events.Ruling
	reason  string
	blocker string // skipped: the trigger whose run had not ended

	postponed bool // nothing could be done: the broker redelivers the trigger
	after     time.Duration
}

// postponed is the outcome of a trigger with which nothing could be done now.
func postponed(after time.Duration) outcome { return outcome{postponed: true, after: after} }

// superseded is the outcome of a trigger that was overtaken.
func superseded() outcome {
	return outcome{verdict: events.VerdictSuperseded, reason: events.WhyOvertaken}
}

// accepted reports whether a run came of the call that can be followed.
func (o outcome) accepted() bool {
	return !o.postponed && o.verdict == "" && !o.passing && o.Status == events.OK && events.IsToken(o.FlowJobID)
}

// call makes one run-binary call, to the first endpoint that takes the connection: one that refuses it has heard
// nothing, so the next is tried at once.
func (d *Dispatcher) call(ctx context.Context, r events.Result, w *work) (o outcome) {
	for _, e := range d.endpoints.turn(w.probe, w.earlier) {
		o = d.callOne(ctx, e, r, w)
		if !o.refused || ctx.Err() != nil {
			w.earlier = nil
			if o.unsure() {
				w.earlier = e
			}
			break
		}
	}
	w.probe = nil
	return o
}

// callOne makes a call of one endpoint, counts it, and tells its circuit breaker whether a connection was made.
func (d *Dispatcher) callOne(ctx context.Context, e *endpoint, r events.Result, w *work) outcome {
	r.StartedAt = time.Now().UTC()
	o := d.post(ctx, e, r, w)
	d.meter.took.Observe(time.Since(r.StartedAt).Seconds())
	switch {
	case o.refused:
		d.meter.calls.WithLabelValues("refused").Inc()
		if e.failed(o.HTTP.Response, time.Now()) {
			d.log.Error("the endpoint refuses connections: it is only probed until it takes one", "endpoint", e.at,
				"probe_every", d.cfg.ProbeEvery.String(), "error", o.HTTP.Response)
		}
		return o
	case o.passing:
		d.meter.calls.WithLabelValues("retry").Inc()
	case o.Status == events.OK:
		d.meter.calls.WithLabelValues("ok").Inc()
	default:
		d.meter.calls.WithLabelValues("error").Inc()
	}
	if ctx.Err() == nil && d.endpoints.connected(e) {
		d.log.Info("the endpoint takes connections again", "endpoint", e.at)
	}
	return o
}

// post sends the request and reads the answer.
func (d *Dispatcher) post(ctx context.Context, e *endpoint, r events.Result, w *work) outcome {
	secrets := w.job.secrets
	q, err := d.request(w)
	if err != nil {
		return outcome{Result: failed(r, secrets.Text(text(err)))}
	}
	a, err := d.send(ctx, e, q, w)
	if err != nil {
		return outcome{Result: failed(r, secrets.Text(text(err))), passing: true, refused: refusal(err) && ctx.Err() == nil}
	}
	r.EndedNS = time.Now().UnixNano()
	r.Status, r.FlowJobID, r.OutputFolder = read(a.status, a.body) // as they were sent: they name things
	r.HTTP = events.HTTPResult{Status: strconv.Itoa(a.status), Headers: headers(a.header, secrets), Response: response(a.body, secrets)}
	if d.cfg.Secret != "" && events.Ruling(a.header.Get(events.HeaderVerdict)) == events.VerdictSuperseded {
		return outcome{Result: r, verdict: events.VerdictSuperseded, reason: events.WhyRewritten}
	}
	if d.cfg.Secret != "" && a.header.Get(events.HeaderStore) != "" {
		d.bus.NoteTrouble() // the runner's copy of the store may be without a majority while ours is not
	}
	return outcome{Result: r, passing: passing(a.status), asked: events.RetryAfter(a.header, time.Now())}
}

// request is what is sent.
type request struct {
	header []string // names in turn with values
	body   []byte
}

// reply is what comes back. One byte more of the body is read than is stored.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// readBody reads as much of an answer as is needed.
func readBody(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, events.MaxResponse+1))
}

// send makes one call of an endpoint.
func (d *Dispatcher) send(ctx context.Context, e *endpoint, q request, w *work) (reply, error) {
	if e.direct != nil {
		return e.direct.do(ctx, q, w.atMostOnce())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(q.body))
	if err != nil {
		return reply{}, err
	}
	for i := 0; i < len(q.header); i += 2 {
		req.Header.Set(q.header[i], q.header[i+1])
	}
	resp, err := d.client(w.params).Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := readBody(resp.Body)
	return reply{resp.StatusCode, resp.Header, body}, err
}

// request makes the request of a call.
func (d *Dispatcher) request(w *work) (request, error) {
	p, input := w.params, w.params.InputText
	if w.File != nil {
		input = w.File.InputDir
	}
	extras, err := d.extras(w)
	if err != nil {
		return request{}, err
	}
	h := make([]string, 0, 16)
	h = append(h, "Content-Type", "application/json", "Authorization", "Bearer "+p.AuthToken, events.HeaderKey, w.ID,
		"Traceparent", events.TraceParent(w.ID, w.ID+".call"))
	if d.cfg.Secret != "" {
		h = append(h, d.ours(w)...)
	}
	return request{h, events.Encode(runRequest{input, p.BinaryText, w.job.settings, extras})}, nil
}

// runRequest is [events.RunRequest] with settings that are encoded once for a job.
type runRequest struct {
	InputDir   string            `json:"input_dir"`
	BinaryPath string            `json:"binary_path"`
	Settings   json.RawMessage   `json:"settings"`
	Spool      *events.RunExtras `json:"spool,omitempty"`
}

// ours are the headers that only the built-in runner gets.
func (d *Dispatcher) ours(w *work) (h []string) {
	h = append(h, events.HeaderDispatcher, d.cfg.Secret, events.HeaderJobID, w.JobID, events.HeaderOwner, url.PathEscape(w.job.Username))
	if w.job.Role != "" {
		h = append(h, events.HeaderRole, string(w.job.Role))
	}
	if o := w.params.Options; o.Retries.Times > 0 {
		h = append(h, events.HeaderRetries, string(events.Encode(o.Retries)))
	}
	if o := w.params.Options; len(o.Profiles) > 0 {
		h = append(h, events.HeaderProfiles, strings.Join(o.Profiles, ","))
	}
	if w.place != "" {
		h = append(h, events.HeaderPlace, url.PathEscape(w.place))
	}
	if w.File != nil && w.File.Linked {
		h = append(h, events.HeaderFile, w.File.Look())
	}
	if w.File != nil && len(w.File.Chain) > 0 {
		h = append(h, events.HeaderChain, events.FormatChain(w.File.Chain))
	}
	return h
}

// failed is the result r of a call that got no answer, or was not made.
func failed(r events.Result, why string) events.Result {
	if r.StartedAt.IsZero() {
		r.StartedAt = time.Now().UTC()
	}
	r.EndedNS = time.Now().UnixNano()
	r.Status = events.ERROR
	r.HTTP = events.HTTPResult{Status: "0", Headers: []events.Header{}, Response: why}
	return r
}

// uncalled is the result r of a trigger that somebody has cancelled; its last call failed, if there was one.
func uncalled(r events.Result, by string, w *work) events.Result {
	r = failed(r, by)
	r.Attempts = w.calls
	return r
}

// why says in a few words why a call is retried.
func why(o outcome) string {
	if o.HTTP.Status == "0" {
		return o.HTTP.Response
	}
	return "HTTP " + o.HTTP.Status + ": " + cutTo(o.HTTP.Response, 200)
}

func cutTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + events.CutMark
}

// text returns a client's error without the method and the URL, which can hold a password.
func text(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	return err.Error()
}

// passing reports whether an HTTP status means a fault that may pass.
func passing(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// read decides what an answer means: accepted if the HTTP status is 2xx and the body does not say ERROR. Of a body
// that is not the API's, only the HTTP status counts.
func read(status int, body []byte) (s events.Status, flowJobID, outputFolder string) {
	var a struct {
		Status string `json:"status"`
		Data   struct {
			JobID        string `json:"job_id"`
			OutputFolder string `json:"output_folder"`
		} `json:"data"`
	}
	_ = json.Unmarshal(body, &a) // of a body that cannot be read, nothing is known
	if status < 200 || status > 299 || a.Status == string(events.ERROR) {
		return events.ERROR, a.Data.JobID, a.Data.OutputFolder
	}
	return events.OK, a.Data.JobID, a.Data.OutputFolder
}

// unkept are the headers of an answer that hold secrets, the endpoint's or ours.
var unkept = map[string]bool{
	"Set-Cookie": true, "Set-Cookie2": true, "Cookie": true, "Www-Authenticate": true, "Authorization": true, "Authentication-Info": true,
	"Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Authentication-Info": true,
}

// headers returns the headers of an answer as they are stored: bounded, and without secrets.
func headers(h http.Header, secrets *scrub.Scrubber) []events.Header {
	list, size := []events.Header{}, 0
	for _, key := range slices.Sorted(maps.Keys(h)) {
		if unkept[http.CanonicalHeaderKey(key)] {
			continue
		}
		for _, value := range h[key] {
			if size += len(key) + len(value); size > events.MaxHeaders {
				return append(list, events.Header{Key: "Spool-Cut", Value: events.CutMark})
			}
			shown := events.Header{Key: key, Value: secrets.Text(value)}
			if secrets.Holds(key) {
				shown.Key = events.Mask
			}
			list = append(list, shown)
		}
	}
	return list
}

// response returns the body of an answer as it is stored: bounded, and without secrets. One byte more was read than
// is stored, to know whether the body goes on.
func response(body []byte, secrets *scrub.Scrubber) string {
	if len(body) <= events.MaxResponse {
		return secrets.Text(string(body))
	}
	text := body[:events.MaxResponse]
	for len(text) > 0 && !utf8.RuneStart(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	kept := secrets.Beginning(string(text[:max(0, len(text)-1)]))
	return kept[:min(len(kept), events.MaxResponse)] + events.CutMark
}
