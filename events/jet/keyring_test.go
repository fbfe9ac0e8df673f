package jet_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// follow runs a keyring until the test ends, and waits until it can be asked.
func follow(t *testing.T, b *jet.Bus) *jet.Keyring {
	t.Helper()
	k := jet.NewKeyring(b)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = k.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	eventually(t, func() bool { return code(k, "none") == events.Unauthorized })
	return k
}

func code(k *jet.Keyring, text string) events.Code {
	_, err := k.Verify(text, time.Now())
	return events.CodeOf(err)
}

func TestTokenIsRevoked(t *testing.T) {
	b := eventstest.Bus(t)
	here, there := follow(t, b), follow(t, b)
	var slowest time.Duration
	for range 20 {
		token, text := events.NewToken("alice", events.Operator, time.Now())
		if err := here.Enter(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if got, err := here.Verify(text, time.Now()); err != nil || got.Owner != "alice" {
			t.Fatalf("right after Enter: %+v, %v", got, err)
		}
		eventually(t, func() bool { return code(there, text) == "" })
		if err := here.Revoke(t.Context(), token.ID); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if got := code(here, text); got != events.Unauthorized {
			t.Fatalf("right after Revoke: %q", got)
		}
		eventually(t, func() bool { return code(there, text) == events.Unauthorized })
		slowest = max(slowest, time.Since(began))
		if err := here.Revoke(t.Context(), token.ID); events.CodeOf(err) != events.NotFound {
			t.Errorf("revoked again: %v", err)
		}
	}
	t.Logf("another keyring heard of a revocation after at most %v", slowest)
}

// A token that is entered and revoked faster than the feed tells of it stays revoked.
func TestRevokedBeforeTheFeedTells(t *testing.T) {
	b := eventstest.Bus(t)
	k := follow(t, b)
	var texts []string
	for range 100 {
		token, text := events.NewToken("alice", events.Viewer, time.Now())
		if err := b.PutToken(t.Context(), token); err != nil { // not by Enter: the feed alone tells
			t.Fatal(err)
		}
		if err := k.Revoke(t.Context(), token.ID); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
		if got := code(k, text); got != events.Unauthorized {
			t.Fatalf("a revoked token is %q", got)
		}
	}
	last, text := events.NewToken("alice", events.Viewer, time.Now())
	if err := b.PutToken(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return code(k, text) == "" }) // the feed has told all
	for _, text := range texts {
		if got := code(k, text); got != events.Unauthorized {
			t.Fatalf("a revoked token came back: %q", got)
		}
	}
	all, err := b.Tokens(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != last.ID {
		t.Errorf("stored are %+v, %v", all, err)
	}
}

func TestKeyringWithoutAFeed(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	b := eventstest.Connect(t, s)
	if got := code(jet.NewKeyring(b), "x"); got != events.Unavailable {
		t.Errorf("a keyring that does not run answers %q", got)
	}
	k := follow(t, b)
	token, text := events.NewToken("alice", events.Viewer, time.Now())
	if err := k.Enter(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	s.WaitForShutdown()
	began := time.Now()
	if got := code(k, text); got != "" {
		t.Errorf("right after the broker went a token is %q", got)
	}
	eventually(t, func() bool { return code(k, text) == events.Unavailable })
	t.Logf("the keyring stopped answering after %v", time.Since(began))
	s.Restart(t)
	eventually(t, func() bool { return code(k, text) == "" })
}
