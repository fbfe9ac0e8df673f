package jet_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// keyed is a trigger that is named after a key.
func keyedBy(key string) events.Trigger {
	nonce := uuid.NewSHA1(uuid.NameSpaceURL, []byte(key)).String()
	return events.Trigger{ID: events.ManualTriggerID("job", nonce), JobID: "job", Kind: events.KindManual, At: time.Now()}
}

// askedOnce stores a trigger, works it off, restarts the server that leads, and asks again.
func askedOnce(t *testing.T, b *jet.Bus, restart func()) {
	t.Helper()
	put := func() {
		t.Helper()
		if _, err := b.PutTrigger(t.Context(), events.KindManual, keyedBy("one")); err != nil {
			t.Fatal(err)
		}
	}
	queued := func() int {
		t.Helper()
		n := 0
		eventually(t, func() bool {
			all, err := b.Triggers(events.KindManual, "job").Sure().All(t.Context())
			n = len(all)
			return err == nil
		})
		return n
	}
	put()
	put()
	if n := queued(); n != 1 {
		t.Errorf("asked for twice under one key, queued %d times", n)
	}
	drainQueue(t, b, jet.StreamTriggers, jet.TriggersOf(events.KindManual), 1, func(*jet.Delivery) {})
	restart()
	eventually(t, func() bool {
		_, _, err := b.Last(t.Context(), jet.StreamTriggers, jet.TriggersOf(events.KindManual))
		return err == nil
	})
	put()
	if n := queued(); n != 0 {
		t.Errorf("asked for again after a restart, and queued again")
	}
	if err := b.ForgetAsked(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	left := 0
	if err := b.Asked("job").Sure().Since(t.Context(), time.Time{}, func(jet.Entry[struct{}]) bool { left++; return true }); err != nil || left != 0 {
		t.Errorf("the ledger of what was asked for is not forgotten: %d left, %v", left, err)
	}
}

func TestKeyAcrossRestart(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	askedOnce(t, eventstest.Connect(t, s), func() { s.Restart(t) })
}

// The same when the server that leads is restarted in order, as a rolling upgrade does.
func TestLongKeyAcrossLeaders(t *testing.T) {
	if testing.Short() {
		t.Skip("TestLong: starts three servers")
	}
	c := eventstest.Cluster(t, 3).Ensure(t)
	c.Lead(t, "TRIGGERS", c.Members[1])
	askedOnce(t, c.Connect(t, c.Members[0]), func() {
		for _, m := range c.Members[1:] {
			m.Stop()
			m.Start(t)
		}
	})
}

// A dead letter that is retried twice, since its retry was cut off, is retried once.
func TestRetryAcrossRestart(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	b := eventstest.Connect(t, s)
	letter := events.DeadLetter{Seq: 7, Trigger: keyedBy("two")}
	_ = b.RetryDead(t.Context(), letter) // there is no such letter to drop
	drainQueue(t, b, jet.StreamTriggers, jet.TriggersOf(events.KindRetry), 1, func(*jet.Delivery) {})
	s.Restart(t)
	eventually(t, func() bool {
		_, _, err := b.Last(t.Context(), jet.StreamTriggers, jet.TriggersOf(events.KindRetry))
		return err == nil
	})
	_ = b.RetryDead(t.Context(), letter)
	if all, err := b.Triggers(events.KindRetry, "job").All(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("the retry is queued again: %v %v", all, err)
	}
	letter.Seq = 8
	_ = b.RetryDead(t.Context(), letter)
	if all, err := b.Triggers(events.KindRetry, "job").All(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("a later letter of the same trigger is not retried: %v %v", all, err)
	}
}
