package notify

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"spool.internal/events"
)

// names answers every question about an address with the next of a list, the last for ever.
type names struct {
	list  []netip.Addr
	asked atomic.Int64
}

func (s *names) serve(t *testing.T) *net.Resolver {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		conn.Close() //nolint:errcheck // it ends the loop
		<-ended
	})
	go func() {
		defer close(ended)
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				i := min(int(s.asked.Add(1)), len(s.list)) - 1
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: s.list[i].As4()},
				}}
			}
			answer, err := m.Pack()
			if err != nil {
				continue
			}
			_, _ = conn.WriteTo(answer, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

const imds = "169.254.169.254"

// The name of a receiver is its own machine first, and the metadata service later.
func TestRebinding(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	dns := &names{list: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr(imds)}}
	resolver := dns.serve(t)
	h.cfg.dial = func(g *guard) { g.dialer.Resolver = resolver }
	url, calls := h.receiver(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // the next request dials anew
		w.WriteHeader(http.StatusInternalServerError)
	})
	h.start()
	h.job("j1", "n", hook(strings.Replace(url, "127.0.0.1", "rebind.test", 1)), 0)
	ev := h.ended("j1", events.OK, "")
	h.next(calls)
	if m := h.undelivered("webhook", ev); !strings.Contains(m, "no such host, or it may not be called") || strings.Contains(m, imds) {
		t.Errorf("given up with %q", m)
	}
	if len(calls) > 0 || dns.asked.Load() != 2 {
		t.Errorf("%d more requests, the name was asked for %d times", len(calls), dns.asked.Load())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	inner, innerCalls := h.receiver(status(200))
	for _, to := range []string{"http://" + imds + "/latest/meta-data/iam/", inner} {
		url, calls := h.receiver(func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, to, http.StatusTemporaryRedirect)
		})
		job := events.Hash(to)
		h.job(job, "n", hook(url), 0)
		stop := h.start()
		ev := h.ended(job, events.OK, "")
		if m := h.undelivered("webhook", ev); !strings.Contains(m, "answered with status 307") {
			t.Errorf("given up with %q", m)
		}
		if len(calls) != 8 || len(innerCalls) > 0 {
			t.Errorf("%d requests, and %d to where it redirects", len(calls), len(innerCalls))
		}
		stop()
		h.cfg.Metrics = nil
	}
}

func TestGuard(t *testing.T) {
	for _, c := range []struct {
		allow, deny, address string
		ok                   bool
	}{
		{"", "", "93.184.215.14", true},
		{"", "", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", true},
		{"", "", "127.0.0.1", true},
		{"", "", "::1", true},
		{"", "", "10.1.2.3", true},
		{"", "", "192.168.1.1", true},
		{"", "", "fd12:3456::1", true},
		{"", "", imds, false},
		{"", "", "169.254.0.1", false},
		{"", "", "::ffff:169.254.169.254", false},
		{"", "", "64:ff9b::a9fe:a9fe", false},
		{"", "", "2002:a9fe:a9fe::1", false},
		{"", "", "fe80::1", false},
		{"", "", "fe80::1%eth0", false},
		{"", "", "fd00:ec2::254", false},
		{"", "", "fd20:ce::254", false},
		{"", "", "100.100.100.200", false},
		{"", "", "168.63.129.16", false},
		{"", "", "0.0.0.0", false},
		{"", "", "::", false},
		{"", "", "224.0.0.1", false},
		{"", "", "255.255.255.255", false},
		{"", "127.0.0.0/8 ::1", "127.0.0.1", false},
		{"", "127.0.0.0/8 ::1", "::1", false},
		{"", "10.0.0.0/8", "10.1.2.3", false},
		{"", "0.0.0.0/0 ::/0", "93.184.215.14", false},
		{"10.1.0.0/16", "0.0.0.0/0", "10.1.2.3", true},
		{imds, "", imds, true},
		{imds, "", "169.254.169.253", false},
	} {
		g, err := newGuard(strings.Fields(c.allow), strings.Fields(c.deny))
		if err != nil {
			t.Fatal(err)
		}
		host := c.address
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		if err := g.control(host+":80", g.private); (err == nil) != c.ok {
			t.Errorf("allow %q, deny %q: %s: %v", c.allow, c.deny, c.address, err)
		}
	}
	_, err := newGuard([]string{"ok.example.com", "http://x", "10.0.0.0/99"}, []string{"*.example.com"})
	for _, says := range []string{`webhook-allow: "http://x"`, `webhook-allow: "10.0.0.0/99"`, `webhook-deny: "*.example.com"`} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("faults %v do not say %s", err, says)
		}
	}
}

// Names are judged before anything is resolved.
func TestGuardNames(t *testing.T) {
	dns := &names{list: []netip.Addr{netip.MustParseAddr(imds)}}
	resolver := dns.serve(t)
	g, err := newGuard([]string{"imds.test", ".good.test"}, []string{"bad.test", ".test"})
	if err != nil {
		t.Fatal(err)
	}
	g.dialer.Resolver = resolver
	for host, want := range map[string]string{
		"bad.test": "the host bad.test is not allowed", "BAD.test.": "is not allowed", "a.bad.test": "the host a.bad.test is not allowed",
		"x.other": "the address " + imds + " is not allowed",
	} {
		if _, err := g.dial(t.Context(), "tcp", net.JoinHostPort(host, "1"), g.private); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"imds.test", "a.good.test"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // far enough to see who refuses
		if _, err := g.dial(ctx, "tcp", net.JoinHostPort(host, "1"), g.private); err == nil || strings.Contains(err.Error(), "not allowed") {
			t.Errorf("%s: %v", host, err)
		}
	}
}
