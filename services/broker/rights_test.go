package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// outsider is a connection with a role's credentials, and what the server forbade it.
type outsider struct {
	*nats.Conn
	role   Role
	denied chan string
}

func join(t *testing.T, b *Broker, dir string, role Role) *outsider {
	t.Helper()
	o := &outsider{role: role, denied: make(chan string, 10_000)}
	nc, err := nats.Connect("nats://"+b.Addr(), nats.UserCredentials(filepath.Join(dir, role.Creds())), nats.CustomInboxPrefix("_INBOX."+string(role)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				o.denied <- err.Error()
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	o.Conn = nc
	return o
}

// literal gives a subject below a filter.
func literal(filter string) string {
	parts := strings.Split(filter, ".")
	for i, p := range parts {
		switch p {
		case "*":
			parts[i] = "x"
		case ">":
			parts[i] = "x.y"
		}
	}
	return strings.Join(parts, ".")
}

// streamsAt counts what the streams hold of what nobody may write by a reply.
func streamsAt(t *testing.T, b *Broker) map[string]uint64 {
	t.Helper()
	home, err := nats.Connect("", nats.InProcessServer(b.srv), nats.UserCredentialBytes(b.creds))
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	held := map[string]uint64{}
	for _, s := range jet.Streams() {
		answer, err := home.Request("$JS.API.STREAM.INFO."+s, []byte(`{"subjects_filter":">"}`), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var info struct {
			State struct {
				Subjects map[string]uint64 `json:"subjects"`
			} `json:"state"`
		}
		if err := json.Unmarshal(answer.Data, &info); err != nil {
			t.Fatal(err)
		}
		maps.Copy(held, info.State.Subjects)
	}
	return held
}

// victims are subjects that somebody believes who reads them.
var victims = []string{
	jet.TokenKey("evil"), jet.TokenKey("_seal"), jobSubject("evil"), triggerSubject(events.KindManual, "evil"), triggerSubject(events.KindCron, "evil"),
	clockSubject, fileSubject("evil", "f"), runQueueSubject("default", "evil"), runSubject(events.Ended, "j", "evil"), resultSubject("evil"),
}

// The server publishes the answer to a request to whatever subject the request
// names. Whatever a role may ask, and however it has the answer sent, nothing comes
// of it on a subject that it may not publish to itself.
func TestRepliesReachNoStream(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	fill(t, b)
	for _, role := range Roles() {
		o := join(t, b, dir, role)
		before := streamsAt(t, b)
		for _, g := range rightsOf(role).gates(role) {
			for _, victim := range victims {
				if mayPublish(role, victim) {
					continue
				}
				for _, body := range bodiesFor(g.local, victim) {
					m := nats.NewMsg(literal(g.local))
					m.Reply, m.Data = victim, []byte(body)
					m.Header.Set("Nats-Trace-Dest", victim)
					if err := o.PublishMsg(m); err != nil {
						t.Fatal(err)
					}
					m.Header = nil
					if err := o.PublishMsg(m); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		settle(t, b, o)
		after := streamsAt(t, b)
		for _, victim := range victims {
			if !mayPublish(role, victim) && after[victim] != before[victim] {
				t.Errorf("%s: a message came to %s", role, victim)
			}
		}
	}
}

// settle waits until the server has worked on all that was sent. Last comes the same
// attack from Spool's own account, where it succeeds: the test would see it.
func settle(t *testing.T, b *Broker, o *outsider) {
	t.Helper()
	if _, err := o.Request("$JS.API.STREAM.INFO.JOBS", nil, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	home, err := nats.Connect("", nats.InProcessServer(b.srv), nats.UserCredentialBytes(b.creds))
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	control := jet.TokenKey("control_" + string(o.role))
	if err := home.PublishRequest("$JS.API.DIRECT.GET.JOBS", control, []byte(`{"seq":1}`)); err != nil {
		t.Fatal(err)
	}
	eventstest.Eventually(t, "the attack succeeds where it must", func() bool { return streamsAt(t, b)[control] > 0 })
}

// mayPublish says what a role's row says of a subject of a stream.
func mayPublish(role Role, subject string) bool {
	r := rightsOf(role)
	return slices.ContainsFunc(slices.Concat(r.Publish, r.Once), func(f string) bool { return within(subject, f) })
}

// bodiesFor are requests that lead to an answer with a content of the caller's choice.
func bodiesFor(gate, victim string) []string {
	switch {
	case strings.Contains(gate, "CONSUMER.CREATE"):
		push := func(extra string) string {
			stream := strings.Split(gate, ".")[4]
			return fmt.Sprintf(`{"stream_name":%q,"config":{"durable_name":"x","name":"x","ack_policy":"none","deliver_policy":"all"%s}}`, stream, extra)
		}
		return []string{push(fmt.Sprintf(`,"deliver_subject":%q`, victim)), push("")}
	case strings.Contains(gate, "DIRECT.GET"), strings.Contains(gate, "MSG.GET"):
		return []string{`{"seq":1}`, `{"next_by_subj":">","seq":1,"batch":10}`, `{"last_by_subj":">"}`}
	case strings.Contains(gate, "MSG.NEXT"):
		return []string{"", `{"batch":10,"expires":1000000000,"no_wait":true}`}
	case strings.Contains(gate, "$JS.ACK"):
		return []string{"+ACK", "+NXT"}
	default:
		return []string{`{}`}
	}
}

// fill stores one message in each stream that has a body like a token.
func fill(t *testing.T, b *Broker) {
	t.Helper()
	home, err := nats.Connect("", nats.InProcessServer(b.srv), nats.UserCredentialBytes(b.creds))
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	for _, subject := range []string{
		jobSubject("j"), triggerSubject(events.KindManual, "j"), fileSubject("j", "f"), runQueueSubject("default", "r"),
		resultSubject("j"), runSubject(events.Ended, "j", "r"), deadSubject("j"), slotSubject("j"),
		stateSubject("watch", "j"), jet.TokenKey("good"),
	} {
		answer, err := home.Request(subject, []byte(`{"id":"evil","hash":"00","owner":"admin","role":"admin"}`), 5*time.Second)
		if err != nil || strings.Contains(string(answer.Data), "error") {
			t.Fatalf("%s: %v %v", subject, answer, err)
		}
	}
}

// everySubject lists one subject below everything that somebody may publish, and
// what nobody may.
func everySubject() []string {
	var subjects []string
	for _, role := range Roles() {
		for _, g := range rightsOf(role).gates(role) {
			subjects = append(subjects, literal(g.local))
		}
	}
	for _, s := range jet.Streams() {
		subjects = append(subjects,
			"$JS.API.STREAM.CREATE."+s, "$JS.API.STREAM.UPDATE."+s, "$JS.API.STREAM.DELETE."+s, "$JS.API.STREAM.PURGE."+s, "$JS.API.STREAM.MSG.DELETE."+s,
			"$JS.API.STREAM.SNAPSHOT."+s, "$JS.API.STREAM.RESTORE."+s, "$JS.API.CONSUMER.LIST."+s, "$JS.API.CONSUMER.NAMES."+s,
			"$JS.API.CONSUMER.CREATE."+s, "$JS.API.CONSUMER.DURABLE.CREATE."+s+".x", "$JS.API.CONSUMER.DELETE."+s+".x", "$JS.API.CONSUMER.PAUSE."+s+".x",
			"$JS.API.DIRECT.GET."+s, "$JS.API.DIRECT.GET."+s+".x", "$JS.API.STREAM.MSG.GET."+s)
	}
	subjects = append(subjects, victims...)
	subjects = append(subjects, guardSubject+".gateway.STREAM.PURGE.JOBS", "$SYS.REQ.SERVER.PING", "$JS.API.STREAM.LIST", "$JS.API.STREAM.NAMES", "spool.new.x", "_INBOX.gateway.x")
	slices.Sort(subjects)
	return slices.Compact(subjects)
}

// TestRights is a matrix of roles and subjects: what is in a role's row reaches the
// streams, everything else is denied.
func TestRights(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	subjects := everySubject()
	allowed, refused := 0, 0
	for _, role := range Roles() {
		o := join(t, b, dir, role)
		for _, subject := range subjects {
			if err := o.Publish(subject, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
		const last = "the.last.of.all"
		if err := o.Publish(last, nil); err != nil {
			t.Fatal(err)
		}
		heard := map[string]bool{}
		for !heard[last] {
			select {
			case text := <-o.denied:
				_, said, _ := strings.Cut(text, `Publish to "`)
				heard[strings.TrimSuffix(said, `"`)] = true
			case <-time.After(30 * time.Second):
				t.Fatal("what is denied is not told")
			}
		}
		for _, subject := range subjects {
			may := slices.ContainsFunc(rightsOf(role).gates(role), func(g gate) bool { return within(subject, g.local) })
			if may == heard[subject] {
				t.Errorf("%s, %s: allowed by the row %v, denied by the server %v", role, subject, may, heard[subject])
			}
			if may {
				allowed++
			} else {
				refused++
			}
		}
		for _, subject := range []string{">", "spool.>", "_INBOX.>", "_INBOX.other.>", "$KV.>", "$JS.API.>", "_R_.>", guardSubject + ".>"} {
			if _, err := o.SubscribeSync(subject); err != nil {
				t.Fatal(err)
			}
			_ = o.Flush()
			select {
			case <-o.denied:
			case <-time.After(10 * time.Second):
				t.Errorf("%s may listen to %s", role, subject)
			}
		}
		if role == Gateway {
			continue
		}
		if _, err := o.SubscribeSync(askTriggers); err != nil {
			t.Fatal(err)
		}
		select {
		case <-o.denied:
		case <-time.After(30 * time.Second):
			t.Errorf("%s may listen to %s", role, askTriggers)
		}
	}
	t.Logf("%d checks: %d allowed, %d refused", allowed+refused, allowed, refused)
}
