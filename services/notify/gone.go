package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/scrub"
)

// maxLater bounds the Retry-After of a receiver.
const maxLater = 24 * time.Hour

// later is the error of an answer with Retry-After.
type later struct {
	error
	after time.Duration
}

// gone is the error of an answer 410: the receiver wants no more requests, ever.
type gone struct{ error }

// refused returns why an answer is no success.
func refused(host string, resp *http.Response) error {
	code := resp.StatusCode
	err := fmt.Errorf("webhook to %s: answered with status %d", host, code)
	switch after := min(events.RetryAfter(resp.Header, time.Now()), maxLater); {
	case code == http.StatusGone:
		return gone{err}
	case code >= 300 && code < 400:
		return fmt.Errorf("%w, a redirect, which is not followed: give the URL that it leads to", err)
	case after > 0:
		return later{err, after}
	}
	return err
}

// asked is how long the receiver asked to be left alone.
func asked(err error) time.Duration {
	l, _ := errors.AsType[later](err)
	return l.after
}

// post sends a request to a URL of a job, unless the URL is off: after an answer 410 a receiver is not called until the
// URL changes.
func (w *webhook) post(ctx context.Context, req *http.Request, job *events.Job, pointer string, secrets *scrub.Scrubber) error {
	about, of := events.AboutURL[pointer], job.URLKey(pointer)
	old, seq, err := w.bus.Condition(ctx, job.ID, about)
	if err != nil {
		return err
	}
	if old.State == events.Off && old.Of == of {
		return final{off(old.At)}
	}
	err = w.send(req, job.PrivateURL(pointer), secrets)
	if _, ok := errors.AsType[gone](err); !ok {
		return err
	}
	n := events.Notification{
		JobID: job.ID, About: about, State: events.Off, At: time.Now().UTC(), Of: of,
		Message: req.URL.Host + " answered with status 410, and is not called any more; any change of the URL turns it on again",
	}
	if err := w.bus.PutCondition(ctx, n, seq); err != nil && !jet.IsConflict(err) {
		return err // a retry asks the receiver once more
	}
	return final{off(n.At)}
}

// off is why a URL that is off is not called.
func off(since time.Time) error {
	return fmt.Errorf("off since %s, 410: any change of the URL turns it on again", since.Format(time.RFC3339))
}
