package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"code.dny.dev/ssrf"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/scrub"
	"spool.internal/events/seal"
)

// Bounds on a receiver.
const (
	webhookTimeout = 15 * time.Second // from dialling to the end of the answer
	maxAnswer      = 64 << 10         // bytes of headers, and of a body, that are read
)

// payload is the body of a webhook, in the terms of the Run Binary API.
type payload struct {
	Status   events.Status `json:"status"`
	Msg      string        `json:"msg,omitempty"` // why it is ERROR
	JobID    string        `json:"job_id"`        // of the run: what run_binary_async answered
	InputDir string        `json:"input_dir"`
	Output   string        `json:"output"`
}

// webhook posts the end of a run to the URL that its job names.
type webhook struct {
	key     *seal.Key
	bus     *jet.Bus
	secrets secretFile
	// Two, so that a connection which one job may use is not reused for another.
	private *http.Client // for jobs whose webhook may go to private networks
	public  *http.Client // for the others
	noMail  func()       // called when a job asks for e-mail; nil when there is a server for it
}

func newWebhook(bus *jet.Bus, key *seal.Key, secrets secretFile, g *guard) *webhook {
	return &webhook{
		bus: bus, key: key, secrets: secrets,
		private: g.client(g.private), public: g.client(g.public),
	}
}

// client returns a client that connects to what judge allows.
func (g *guard) client(judge *ssrf.Guardian) *http.Client {
	return &http.Client{
		Timeout: webhookTimeout,
		Transport: &http.Transport{
			// No proxy: it would hide which address is connected to.
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return g.dial(ctx, network, address, judge)
			},
			ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
			DisableCompression: true, MaxResponseHeaderBytes: maxAnswer, MaxIdleConns: 256, MaxIdleConnsPerHost: maxPerJob, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (w *webhook) wants(n notification, p *events.Parameters) bool {
	if len(p.Emails) > 0 && w.noMail != nil {
		w.noMail()
	}
	return n.run != nil && p.Webhook.URL != ""
}

func (w *webhook) forget(notification) {}

func (w *webhook) notify(ctx context.Context, n notification, job *events.Job) error {
	p, err := job.Reveal(w.key.Open)
	if err != nil {
		return final{fmt.Errorf("the secrets of the webhook cannot be opened: %w", err)}
	}
	req, err := w.request(ctx, n, p.Webhook)
	if err != nil {
		return err
	}
	return w.post(ctx, req, job, events.WebhookURLPointer, scrub.NewForJob(p))
}

// send makes a request and judges the status of the answer.
func (w *webhook) send(req *http.Request, private bool, secrets *scrub.Scrubber) error {
	client := w.public
	if private {
		client = w.private
	}
	resp, err := client.Do(req)
	if err != nil {
		return unreached(req.URL.Host, err, secrets)
	}
	defer resp.Body.Close()
	// The body is read so that the connection can be reused; its content is of no interest.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refused(req.URL.Host, resp)
	}
	return nil
}

// request returns the signed request about the end of a run.
func (w *webhook) request(ctx context.Context, n notification, hook events.Webhook) (*http.Request, error) {
	msg := n.run.Message
	if n.run.Status == events.OK {
		msg = "" // the message of a run that ended OK has no place in this body
	}
	body := events.Encode(payload{
		Status: n.run.Status, Msg: msg, JobID: n.run.FlowJobID, InputDir: n.run.InputDir, Output: n.run.OutputFolder,
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return nil, final{errors.New("the URL of the webhook cannot be read")}
	}
	for _, h := range hook.Headers {
		if h.Key == "Host" {
			req.Host = h.Value
		}
		req.Header.Set(h.Key, h.Value)
	}
	for _, hop := range []string{"Connection", "Transfer-Encoding", "Upgrade", "Te", "Expect"} {
		req.Header.Del(hop) // these are about one connection, which is ours
	}
	req.Header.Set("Content-Type", "application/json")
	return req, w.sign(req, n, body)
}

// sign adds the headers that identify and sign a request.
func (w *webhook) sign(req *http.Request, n notification, body []byte) error {
	now := time.Now()
	signature, err := w.secrets.sign(n.id, now, body)
	if err != nil {
		return err
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "spool")
	}
	req.Header.Set(events.HeaderJobID, n.jobID)
	req.Header.Set(standardwebhooks.HeaderWebhookID, n.id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}
