package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events/jet"
)

// ask sends a request of a role and gives the answer's text; a request that nobody
// answers is denied.
func (o *outsider) ask(t *testing.T, subject, body string) (answer string, denied bool) {
	t.Helper()
	m, err := o.Request(subject, []byte(body), 10*time.Second)
	if err != nil {
		return err.Error(), true
	}
	return string(m.Data), strings.Contains(string(m.Data), `"error"`)
}

// A consumer that pushes would send what its maker has stored to a subject of its
// choice. A role makes consumers that are pulled from, of its own name.
func TestGuardOfConsumers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	fill(t, b)
	for _, role := range Roles() {
		o := join(t, b, dir, role)
		r := rightsOf(role)
		try := func(stream, name, filter, more string) (string, bool) {
			subject := "$JS.API.CONSUMER.CREATE." + stream + "." + name
			config := fmt.Sprintf(`"name":%q,"ack_policy":"explicit","inactive_threshold":60000000000`, name)
			if filter != "" {
				subject += "." + filter
				config += fmt.Sprintf(`,"filter_subject":%q`, filter)
			}
			return o.ask(t, subject, fmt.Sprintf(`{"stream_name":%q,"config":{%s%s}}`, stream, config, more))
		}
		check := func(what, stream, name, filter, more string, want bool) {
			t.Helper()
			if answer, denied := try(stream, name, filter, more); denied == want {
				t.Errorf("%s, %s of %s: %s", role, what, stream, answer)
			}
		}
		own := func(stream string) (name, filter string) {
			for _, q := range r.Queues {
				if q.Stream == stream {
					return strings.Replace(q.Name, "*", "x", 1), q.Filter
				}
			}
			return string(role) + "-x", ""
		}
		all := slices.Clone(r.Follow)
		for _, q := range r.Queues {
			all = append(all, q.Stream)
		}
		slices.Sort(all)
		for _, stream := range slices.Compact(all) {
			name, filter := own(stream)
			if slices.Contains(r.Follow, stream) {
				check("a consumer of its own", stream, string(role)+"-y", "", "", true)
			}
			for _, push := range []string{jet.TokenKey("evil"), clockSubject, "_INBOX." + string(role) + ".x"} {
				check("a consumer that pushes", stream, name, filter, fmt.Sprintf(`,"deliver_subject":%q`, push), false)
				check("a consumer that pushes", stream, name, filter, fmt.Sprintf(`,"Deliver_Subject":%q,"deliver_group":"g"`, push), false)
			}
			if q := slices.IndexFunc(r.Queues, func(q jet.RightsQueue) bool { return q.Stream == stream }); slices.Contains(r.Follow, stream) || tokenOf(r.Queues[q]) == "*" {
				check("somebody else's consumer", stream, "other-x", filter, "", false)
			} // else the account has no such way out, as TestRights shows
			check("its own queue", stream, name, filter, "", true)
			if !slices.Contains(r.Follow, stream) {
				check("the whole stream as its queue", stream, name, ">", "", false)
			}
		}
		for _, stream := range r.Follow {
			if answer, denied := o.ask(t, "$JS.API.CONSUMER.DELETE."+stream+".other-x", ""); !denied {
				t.Errorf("%s deletes a consumer of %s: %s", role, stream, answer)
			}
		}
	}
}

func TestGuardOfPurges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	fill(t, b)
	for _, role := range Roles() {
		o := join(t, b, dir, role)
		for stream, filters := range rightsOf(role).Purge {
			subject := "$JS.API.STREAM.PURGE." + stream
			for _, body := range []string{"", "{}", `{"filter":""}`, `{"filter":">"}`, `{"filter":"spool.>"}`, `{"seq":100}`, `{"filter":"$KV.>"}`} {
				if answer, denied := o.ask(t, subject, body); !denied {
					t.Errorf("%s purges %s with %q: %s", role, stream, body, answer)
				}
			}
			for _, f := range filters {
				if answer, denied := o.ask(t, subject, fmt.Sprintf(`{"filter":%q}`, f)); denied {
					t.Errorf("%s purges %s of %s: %s", role, f, stream, answer)
				}
			}
		}
	}
}

// The dispatcher publishes the seal key once. It neither replaces it nor rolls the
// bucket of tokens up, which would forget who was revoked.
func TestGuardOfTheSealKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	o := join(t, b, dir, Dispatcher)
	before := streamsAt(t, b)
	if len(before) != 0 {
		t.Fatalf("a new store holds %v", before)
	}
	fill(t, b)
	put := func(header, value string) (string, bool) {
		m := nats.NewMsg(jet.TokenKey("_seal"))
		m.Data = []byte("key")
		m.Header.Set(header, value)
		answer, err := o.RequestMsg(m, 10*time.Second)
		if err != nil {
			return err.Error(), true
		}
		return string(answer.Data), strings.Contains(string(answer.Data), `"error"`)
	}
	if answer, denied := put("Nats-Rollup", "all"); denied {
		t.Fatal(answer)
	}
	if streamsAt(t, b)[jet.TokenKey("good")] != 1 {
		t.Error("the first seal key rolled the tokens up")
	}
	for header, value := range map[string]string{"Nats-Rollup": "all", "Nats-Expected-Last-Subject-Sequence": "2", "KV-Operation": "PURGE"} {
		if answer, denied := put(header, value); !denied {
			t.Errorf("the seal key is replaced, with %s: %s", header, answer)
		}
	}
}
