package notify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/schedule"
)

// The balance of a day is sent once to each address, by whichever process; one that cannot be read yet is retried.
func TestBalanceMail(t *testing.T) {
	t.Parallel()
	h, p := mailing(t, nil)
	failures := 1
	h.cfg.BalanceTo, h.cfg.Zone = []string{"ops@post.test", "ann@post.test"}, time.UTC
	h.cfg.Balance = func(_ context.Context, day string) (string, string, error) {
		if failures--; failures >= 0 {
			return "", "", errors.New("the store is away")
		}
		return "balance of " + day + ": 2 failed", "every slot\nand file", nil
	}
	eventstest.AwayFromTheMinute() // at which the balance of yesterday is due
	h.start()
	d, err := h.cfg.daily()
	if err != nil {
		t.Fatal(err)
	}
	morning := time.Date(2026, 3, 29, 5, 59, 59, 0, time.UTC)
	for _, now := range []time.Time{morning, morning.Add(time.Second), morning.Add(time.Minute), morning.Add(18 * time.Hour)} {
		if err := d.ask(t.Context(), h.bus, now); err != nil {
			t.Fatal(err)
		}
	}
	eventstest.Eventually(h, "both are written to", func() bool { return len(p.received()) == 2 })
	for _, m := range p.received() {
		head, body := m.read(t)
		if s := decode(t, head.Header.Get("Subject")); s != "[Spool] balance of 2026-03-28: 2 failed" || !strings.Contains(body, "every slot") || !strings.Contains(body, "--balance-to") {
			t.Errorf("%q: %s", s, body)
		}
	}
	eventstest.Eventually(h, "nothing is left", func() bool {
		cons, err := h.js.Consumer(t.Context(), h.bus.AllNotifications().Stream(), "notify-balance")
		return err == nil && cons.CachedInfo().NumAckPending == 0 && cons.CachedInfo().NumPending == 0
	})
	if n := len(p.received()); n != 2 {
		t.Errorf("%d letters", n)
	}
}

func TestBalanceIsDue(t *testing.T) {
	paris, err := schedule.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	d := &daily{at: time.Date(0, 1, 1, 6, 0, 0, 0, time.UTC), zone: paris}
	for now, want := range map[string]string{
		"2026-03-29T03:59:00Z": "",           // clocks have gone forward
		"2026-03-29T04:00:00Z": "2026-03-28", // it is 6 o'clock
		"2026-03-30T03:59:00Z": "",
		"2026-03-30T04:00:00Z": "2026-03-29",
		"2026-03-30T21:59:00Z": "2026-03-29",
		"2026-03-30T22:01:00Z": "",
	} {
		at, _ := time.Parse(time.RFC3339, now)
		if got := d.due(at); got != want {
			t.Errorf("at %s %q; want %q", now, got, want)
		}
	}
}

func TestBalanceFaults(t *testing.T) {
	for says, cfg := range map[string]Config{
		"balance-to: needs a server":      {BalanceTo: []string{"a@b.example"}},
		`balance-to: "nobody" is not an`:  {SMTPURL: "x", BalanceTo: []string{"nobody"}},
		`balance-to: "a@evil.example" is`: {SMTPURL: "x", BalanceTo: []string{"a@evil.example"}, MailDomains: events.MailDomains{"good.example"}},
		`balance-at: "6h" is not a time`:  {SMTPURL: "x", BalanceTo: []string{"a@b.example"}, BalanceAt: "6h"},
	} {
		if _, err := cfg.daily(); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%v; want %s", err, says)
		}
	}
}
