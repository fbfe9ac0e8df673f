package notify

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"spool.internal/events"
)

// record is a log that goroutines write.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// jobOf stores a job whose webhook a token of this role has set.
func (h *harness) jobOf(id string, role events.Role, hook string, seq uint64) uint64 {
	h.Helper()
	seq = h.job(id, "n", hook, seq)
	rev, err := h.bus.Job(h.Context(), id)
	if err != nil {
		h.Fatal(err)
	}
	ev := rev.Event
	ev.Event, ev.Job.Webhook = events.JobUpdated, &events.JobWebhook{URL: "https://as.stored", Role: role}
	if seq, err = h.bus.PutJob(h.Context(), ev, seq); err != nil {
		h.Fatal(err)
	}
	return seq
}

// What an operator's webhook is denied reads the same, whether something listens
// there, nothing does, or there is no such name: the log alone says more.
func TestOperatorsStayOutside(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.cfg.retries = retries{}
	var log record
	h.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	dns := &names{list: []netip.Addr{netip.MustParseAddr("10.99.0.1")}}
	resolver := dns.serve(t)
	h.cfg.dial = func(g *guard) { g.dialer.Resolver = resolver }
	open, calls := h.receiver(status(200))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	port := open[strings.LastIndexByte(open, ':'):]
	h.cfg.WebhookDeny = []string{"denied.test"}
	h.start()
	reasons := map[string][]string{}
	for i, target := range []string{
		open, nobody, "http://localhost" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port, "http://127.1" + port, "http://2130706433" + port,
		"http://10.0.0.1", "http://172.16.0.1", "http://192.168.1.1", "http://100.64.0.1", "http://[fd12:3456::1]", "http://0.0.0.0" + port, "http://" + imds,
		"http://inner.test", "http://denied.test",
	} {
		job := fmt.Sprint("j", i)
		h.jobOf(job, "operator", hook(target+"/p4th?k=s3cret-of-the-query"), 0)
		m := h.undelivered("webhook", h.ended(job, events.OK, ""))
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		m = strings.Replace(m, u.Host, "HOST", 1)
		reasons[m] = append(reasons[m], target)
	}
	if len(reasons) != 1 || len(calls) > 0 {
		t.Errorf("%d calls; reasons: %q", len(calls), reasons)
	}
	for m := range reasons {
		if strings.ContainsAny(m, "0123456789") || !strings.Contains(m, "may not be called") {
			t.Errorf("the reason is %q", m)
		}
	}
	for _, says := range []string{"the address 127.0.0.1 is not allowed", "the address 10.99.0.1 is not allowed", "the host denied.test is not allowed"} {
		if !strings.Contains(log.String(), says) {
			t.Errorf("the log does not say %q:\n%s", says, log.String())
		}
	}
	if strings.Contains(log.String(), "s3cret") || strings.Contains(log.String(), "p4th") {
		t.Errorf("the log has the path or the query:\n%s", log.String())
	}
}

// An administrator's URL may go inside, until another token sets one; and a
// connection that it left open is not there for others.
func TestAdministratorsGoInside(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.cfg.retries = retries{}
	to, calls := h.receiver(status(200))
	h.start()
	seq := h.jobOf("admins", events.Admin, hook(to), 0)
	h.job("before", "n", hook(to), 0)
	for _, job := range []string{"admins", "before"} {
		h.ended(job, events.OK, "")
		h.next(calls)
	}
	h.jobOf("operators", "operator", hook(to), 0)
	h.jobOf("admins", "operator", hook(to), seq)
	for _, job := range []string{"operators", "admins"} {
		h.undelivered("webhook", h.ended(job, events.OK, ""))
	}
	if len(calls) > 0 {
		t.Error("an operator's webhook went inside")
	}
}

func TestOperatorsGoWhereTheyAreAllowed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.cfg.WebhookAllow = []string{"127.0.0.0/8"}
	to, calls := h.receiver(status(200))
	h.start()
	h.jobOf("j", "operator", hook(to), 0)
	h.ended("j", events.OK, "")
	h.next(calls)
}

// What a receiver says instead of HTTP is repeated without the secrets that it was sent.
func TestReceiversEcho(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.cfg.retries = retries{}
	var log record
	h.cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	to, _ := h.receiver(func(w http.ResponseWriter, q *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			fmt.Fprintf(conn, "%s %s %s %s\r\n\r\n", q.URL, q.Header.Get("X-Key"), q.Header.Get("Authorization"), "of-ann-password") //nolint:errcheck // a test's answer
			conn.Close()                                                                                                             //nolint:errcheck // the answer
		}
	})
	h.start()
	withUser := strings.Replace(to, "http://", "http://ann:of-ann-password@", 1)
	h.job("j", "n", `{"webhook_config":{"url":"`+withUser+`/p4th-of-the-url?k=qu3ry-of-the-url","headers":{"X-Key":"h3ader-of-the-job"}}}`, 0)
	m := h.undelivered("webhook", h.ended("j", events.OK, ""))
	if !strings.Contains(m, "malformed HTTP") {
		t.Errorf("recorded %q", m)
	}
	for where, text := range map[string]string{"the record": m, "the log": log.String()} {
		for _, secret := range []string{"of-ann-password", "p4th-of-the-url", "qu3ry-of-the-url", "h3ader-of-the-job", "YW5uOm9mLWFubi1wYXNzd29yZA"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s: %s", where, secret, text)
			}
		}
	}
}

// For a job that is older than the list of domains, nothing is sent outside it.
func TestMailDomainsWhenSending(t *testing.T) {
	t.Parallel()
	h, p := mailing(t, nil)
	h.cfg.MailDomains = events.MailDomains{"post.test"}
	h.start()
	h.job("j1", "Daily", to("ann@post.test,bob@evil.test,eve@sub.post.test"), 0)
	m := h.undelivered("email", h.ended("j1", events.OK, ""))
	if !strings.Contains(m, "bob@evil.test: is outside") || !strings.Contains(m, "eve@sub.post.test: is outside") || strings.Contains(m, "ann@") {
		t.Errorf("recorded %q", m)
	}
	if got := p.received(); len(got) != 1 || got[0].to != "ann@post.test" {
		t.Errorf("received %+v", got)
	}
}

func TestRelayEchoes(t *testing.T) {
	e := newEmail(&relay{password: "p4ssword-of-the-relay"}, MailOnEnd, nil, nil)
	if err := e.answered("e-mail to %s: refused: %s", "a@b.c", "535 p4ssword-of-the-relay AGFubgBwNHNzd29yZC1vZi10aGUtcmVsYXk="); strings.Contains(err.Error(), "p4ss") ||
		strings.Contains(err.Error(), "cDRzc3") || strings.Contains(err.Error(), "BwNHNzd29yZC1vZi10aGUt") {
		t.Errorf("error %v", err)
	}
}
