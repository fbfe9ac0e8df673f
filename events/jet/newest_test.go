package jet_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

func TestNewest(t *testing.T) {
	b := eventstest.Bus(t)
	put := func(job, text string) uint64 {
		t.Helper()
		seq, err := b.Commit(t.Context(), jet.StreamSlots, jet.Message{Subject: jet.SlotSubject(job), Data: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	var seqs []uint64
	for i, job := range strings.Fields("a b a a c b a c") {
		seqs = append(seqs, put(job, fmt.Sprint(job, i)))
	}
	for _, c := range []struct {
		name, jobs string
		before     uint64
		stop       int
		want       string
	}{
		{"one subject", "a", 0, 0, "a6 a3 a2 a0"},
		{"before", "a", seqs[3], 0, "a2 a0"},
		{"before the first", "a", seqs[0], 0, ""},
		{"some", "a c", 0, 0, "c7 a6 c4 a3 a2 a0"},
		{"some before", "a b c", seqs[4], 0, "a3 a2 b1 a0"},
		{"stopped", "a b c", 0, 3, "c7 a6 b5"},
		{"one without messages", "b x", 0, 0, "b5 b1"},
		{"none with messages", "x", 0, 0, ""},
		{"none", "", 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var subjects, got []string
			for job := range strings.FieldsSeq(c.jobs) {
				subjects = append(subjects, jet.SlotSubject(job))
			}
			err := b.Newest(t.Context(), jet.StreamSlots, subjects, c.before, func(m jet.Stored) bool {
				got = append(got, string(m.Data))
				return len(got) != c.stop
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeadLetters(t *testing.T) {
	b := eventstest.Bus(t)
	put := func(id string) events.DeadLetter {
		t.Helper()
		trigger := events.Trigger{ID: id, JobID: "job", Kind: events.KindCron, Minute: 7}
		if err := b.PutDead(t.Context(), trigger, events.Result{TriggerID: id, JobID: "job", Status: events.ERROR}); err != nil {
			t.Fatal(err)
		}
		m, _, err := b.Last(t.Context(), jet.StreamDeadLetters, jet.DeadSubject("job"))
		if err != nil {
			t.Fatal(err)
		}
		d, found, err := b.DeadLetter(t.Context(), m.Sequence)
		if err != nil || !found || d.Trigger != trigger || d.Result.TriggerID != id || d.At.IsZero() || d.Seq != m.Sequence {
			t.Fatalf("dead letter %+v, %v, %v", d, found, err)
		}
		return d
	}
	first, second := put("one"), put("two")
	if err := b.RetryDead(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	m, _, err := b.Last(t.Context(), jet.StreamTriggers, jet.TriggerSubject(events.KindRetry, "job"))
	if err != nil || !strings.Contains(string(m.Data), `"id":"one"`) {
		t.Errorf("queued is %s, %v", m.Data, err)
	}
	if _, found, err := b.DeadLetter(t.Context(), first.Seq); found || err != nil {
		t.Errorf("after its retry the letter is there: %v, %v", found, err)
	}
	for _, want := range []bool{true, false} {
		if found, err := b.DropDead(t.Context(), second.Seq); found != want || err != nil {
			t.Errorf("dropping gives %v, %v; want %v", found, err, want)
		}
	}
}
