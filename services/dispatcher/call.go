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
	"time"
	"unicode/utf8"

	"spool.internal/events"
)

// maxHeaderRead bounds what an endpoint can make us read before its body.
const maxHeaderRead = 1 << 20

func client(cfg Config, verify bool) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = cfg.Workers
	t.MaxResponseHeaderBytes = maxHeaderRead
	if !verify {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the job says so: verify_ssl_certificate
	}
	return &http.Client{
		Transport: t, Timeout: cfg.CallTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call makes one run-binary call. again says that the fault may pass.
func (d *Dispatcher) call(ctx context.Context, r events.Result, t events.Trigger, j *job, p *events.Parameters) (_ events.Result, again bool) {
	input := p.InputText
	if t.File != nil {
		input = t.File.InputDir
	}
	body := events.Encode(events.RunRequest{InputDir: input, BinaryPath: p.BinaryText, Settings: p.RunSettings()})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.cfg.RunBinaryURL, bytes.NewReader(body))
	if err != nil {
		return failed(r, err.Error()), false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.AuthToken)
	req.Header.Set(events.HeaderKey, t.ID)
	req.Header.Set("traceparent", events.TraceParent(t.ID, t.ID+".call"))
	if d.cfg.Secret != "" {
		req.Header.Set(events.HeaderDispatcher, d.cfg.Secret)
		req.Header.Set(events.HeaderJobID, j.ID)
		req.Header.Set(events.HeaderOwner, url.PathEscape(j.Username))
		if t.File != nil && t.File.Linked {
			req.Header.Set(events.HeaderFile, t.File.Look())
		}
	}
	c := d.strict
	if !p.VerifySSL {
		c = d.lax
	}
	r.StartedAt = time.Now().UTC()
	resp, err := c.Do(req)
	if err != nil {
		return failed(r, why(err)), true
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, events.MaxResponse+1))
	if err != nil {
		return failed(r, why(err)), true
	}
	r.EndedNS = time.Now().UnixNano()
	r.HTTP = events.HTTPResult{Status: strconv.Itoa(resp.StatusCode), Headers: headers(resp.Header), Response: cut(text)}
	r.Status, r.FlowJobID, r.OutputFolder = read(resp.StatusCode, text)
	if d.cfg.Secret != "" && resp.Header.Get(events.HeaderVerdict) == events.VerdictSuperseded {
		r.Status = superseded
	}
	return r, passing(resp.StatusCode)
}

// superseded is the status of an answer that is to leave a verdict and no
// result: the file was rewritten after its trigger, and its new content is
// another trigger.
const superseded events.Status = events.VerdictSuperseded

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

// why leaves the method and the URL out of a client's error: the URL can hold a password.
func why(err error) string {
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

func headers(h http.Header) []events.Header {
	list, size := []events.Header{}, 0
	for _, key := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[key] {
			if size += len(key) + len(value); size > events.MaxHeaders {
				return append(list, events.Header{Key: "Spool-Cut", Value: events.CutMark})
			}
			list = append(list, events.Header{Key: key, Value: value})
		}
	}
	return list
}

func cut(text []byte) string {
	if len(text) <= events.MaxResponse {
		return string(text)
	}
	text = text[:events.MaxResponse]
	for len(text) > 0 && !utf8.RuneStart(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return string(text[:max(0, len(text)-1)]) + events.CutMark
}
