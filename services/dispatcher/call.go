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

// maxHeaderRead bounds what an endpoint can make us read before its body. It is
// generous: by then the run is accepted, and calling again would not help.
const maxHeaderRead = 4 << 20

func newClient(cfg Config, verify bool) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, cfg.Workers // no bound but one for each worker: a new connection costs more than a call
	t.MaxResponseHeaderBytes = maxHeaderRead
	if !verify {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the job says so: verify_ssl_certificate
	}
	return &http.Client{
		Transport: t, Timeout: cfg.CallTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// client is the one for a job: it verifies certificates unless the job says otherwise.
func (d *Dispatcher) client(p *events.Parameters) *http.Client {
	if p.VerifySSL {
		return d.strict
	}
	return d.lax
}

// outcome is what came of a call.
type outcome struct {
	events.Result
	passing         bool          // the fault may pass
	refused         bool          // the endpoint could not be connected to
	asked           time.Duration // for how long the endpoint asks to be left alone
	verdict, reason string        // in place of a result
}

// call makes one run-binary call, and has the gate know of it.
func (d *Dispatcher) call(ctx context.Context, r events.Result, w *work) outcome {
	r.StartedAt = time.Now().UTC()
	o := d.post(ctx, r, w)
	d.meter.took.Observe(time.Since(r.StartedAt).Seconds())
	switch {
	case o.refused:
		d.meter.calls.WithLabelValues("refused").Inc()
		if d.breaker.failed(o.HTTP.Response, time.Now()) {
			d.log.Error("the endpoint refuses connections: it is only probed until it takes one", "probe_every", d.cfg.ProbeEvery.String(), "error", o.HTTP.Response)
		}
		return o
	case o.passing:
		d.meter.calls.WithLabelValues("retry").Inc()
	case o.Status == events.OK:
		d.meter.calls.WithLabelValues("ok").Inc()
	default:
		d.meter.calls.WithLabelValues("error").Inc()
	}
	if ctx.Err() == nil && d.breaker.connected() {
		d.log.Info("the endpoint takes connections again")
	}
	return o
}

func (d *Dispatcher) post(ctx context.Context, r events.Result, w *work) outcome {
	secrets := w.job.secrets
	req, err := d.request(ctx, w)
	if err != nil {
		return outcome{Result: failed(r, secrets.Text(text(err)))}
	}
	resp, err := d.client(w.params).Do(req)
	if err != nil {
		return outcome{Result: failed(r, secrets.Text(text(err))), passing: true, refused: refusal(err) && ctx.Err() == nil}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, events.MaxResponse+1))
	if err != nil {
		return outcome{Result: failed(r, secrets.Text(text(err))), passing: true}
	}
	r.EndedNS = time.Now().UnixNano()
	r.Status, r.FlowJobID, r.OutputFolder = read(resp.StatusCode, body) // as they were sent: they name things
	r.HTTP = events.HTTPResult{Status: strconv.Itoa(resp.StatusCode), Headers: headers(resp.Header, secrets), Response: response(body, secrets)}
	if d.cfg.Secret != "" && resp.Header.Get(events.HeaderVerdict) == events.VerdictSuperseded {
		return outcome{Result: r, verdict: events.VerdictSuperseded, reason: "rewritten"}
	}
	return outcome{Result: r, passing: passing(resp.StatusCode), asked: events.RetryAfter(resp.Header, time.Now())}
}

func (d *Dispatcher) request(ctx context.Context, w *work) (*http.Request, error) {
	p, input := w.params, w.params.InputText
	if w.File != nil {
		input = w.File.InputDir
	}
	extras, err := d.extras(w)
	if err != nil {
		return nil, err
	}
	body := events.Encode(events.RunRequest{InputDir: input, BinaryPath: p.BinaryText, Settings: p.RunSettings(), Spool: extras})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.cfg.RunBinaryURL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.AuthToken)
	req.Header.Set(events.HeaderKey, w.ID)
	req.Header.Set("traceparent", events.TraceParent(w.ID, w.ID+".call"))
	if d.cfg.Secret != "" {
		req.Header.Set(events.HeaderDispatcher, d.cfg.Secret)
		req.Header.Set(events.HeaderJobID, w.JobID)
		req.Header.Set(events.HeaderOwner, url.PathEscape(w.job.Username))
		if w.job.Role != "" {
			req.Header.Set(events.HeaderRole, w.job.Role)
		}
		if p.Options.Retries.Times > 0 {
			req.Header.Set(events.HeaderRetries, string(events.Encode(p.Options.Retries)))
		}
		if len(p.Options.Profiles) > 0 {
			req.Header.Set(events.HeaderProfiles, strings.Join(p.Options.Profiles, ","))
		}
		if w.File != nil && w.File.Linked {
			req.Header.Set(events.HeaderFile, w.File.Look())
		}
		if w.File != nil && len(w.File.Chain) > 0 {
			req.Header.Set(events.HeaderChain, events.FormatChain(w.File.Chain))
		}
	}
	return req, nil
}

// failed is the result of a call that got no answer.
func failed(r events.Result, why string) events.Result {
	if r.StartedAt.IsZero() {
		r.StartedAt = time.Now().UTC()
	}
	r.EndedNS = time.Now().UnixNano()
	r.Status = events.ERROR
	r.HTTP = events.HTTPResult{Status: "0", Headers: []events.Header{}, Response: why}
	return r
}

// why tells in a few words why a call is made again.
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

// text leaves the method and the URL out of a client's error: the URL can hold a password.
func text(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	return err.Error()
}

// passing reports whether an HTTP status speaks of a fault that may pass.
func passing(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// read decides what an answer means: accepted only when HTTP says 2xx and the
// body does not say ERROR. A body that is not of the API is taken at HTTP's word.
func read(status int, body []byte) (s events.Status, flowJobID, outputFolder string) {
	var a struct {
		Status string `json:"status"`
		Data   struct {
			JobID        string `json:"job_id"`
			OutputFolder string `json:"output_folder"`
		} `json:"data"`
	}
	_ = json.Unmarshal(body, &a) // what cannot be read says nothing
	if status < 200 || status > 299 || a.Status == string(events.ERROR) {
		return events.ERROR, a.Data.JobID, a.Data.OutputFolder
	}
	return events.OK, a.Data.JobID, a.Data.OutputFolder
}

// unkept are the headers of an answer that are secrets of the endpoint, or speak of ours.
var unkept = map[string]bool{
	"Set-Cookie": true, "Set-Cookie2": true, "Cookie": true, "Www-Authenticate": true, "Authorization": true, "Authentication-Info": true,
	"Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Authentication-Info": true,
}

// headers gives what is kept of the headers of an answer.
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

// response gives what is kept of the body of an answer, of which one byte more
// was read than is kept.
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
