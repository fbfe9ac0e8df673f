package jet

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// Verify finds the token that a text is. The error is an [events.Error]: of
// code Unauthorized, or Unavailable while nobody can tell whether a token has
// been revoked, because the feed is broken for 5 s or has not begun. The text of a
// session is no token: it is for [Keyring.VerifySession].
func (k *Keyring) Verify(text string, now time.Time) (events.Token, error) {
	return k.verify(text, events.PlainToken, now)
}

// VerifySession is Verify for what a browser has in its cookie.
func (k *Keyring) VerifySession(text string, now time.Time) (events.Token, error) {
	return k.verify(text, events.SessionToken, now)
}

func (k *Keyring) verify(text string, kind events.TokenKind, now time.Time) (events.Token, error) {
	k.mu.RLock()
	t, ok := k.tokens[events.TokenID(text)]
	ended := k.ended(t, now)
	unproven := k.unproven()
	k.mu.RUnlock()
	if unproven != nil {
		return events.Token{}, unproven
	}
	if !ok || !t.Matches(text) {
		return events.Token{}, &events.Error{Code: events.Unauthorized, Message: "the token is not valid"}
	}
	if t.KindOf() != kind {
		return events.Token{}, &events.Error{Code: events.Unauthorized, Message: "a session counts in the cookie of its browser, and a token behind Bearer: make a token with POST /api/v2/tokens"}
	}
	if ended != nil {
		return events.Token{}, ended
	}
	k.use(t, now)
	return t, nil
}

// ended says why a token does not count any more. The caller holds the lock.
func (k *Keyring) ended(t events.Token, now time.Time) error {
	if t.Expired(now) {
		return &events.Error{Code: events.Unauthorized, Message: "the token expired at " + t.Expires.Format(time.RFC3339)}
	}
	if t.Parent == "" {
		return nil
	}
	if parent, ok := k.tokens[t.Parent]; !ok || parent.Expired(now) {
		return &events.Error{Code: events.Unauthorized, Message: "the session ended with the token that it was exchanged for: sign in again"}
	}
	return nil
}

// Sessions gives the sessions of a token that have not ended, as far as this keyring knows.
func (k *Keyring) Sessions(parent string, now time.Time) (n int) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, t := range k.tokens {
		if t.Parent == parent && k.ended(t, now) == nil {
			n++
		}
	}
	return n
}

// Live reports whether a token that was read elsewhere counts now.
func (k *Keyring) Live(t events.Token, now time.Time) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.ended(t, now) == nil
}

// use notes that a token was used, or the token that a session is of.
func (k *Keyring) use(t events.Token, now time.Time) {
	id := t.ID
	if t.Parent != "" {
		id = t.Parent
	}
	if at, ok := k.used.Load(id); !ok || now.Sub(at.(time.Time)) >= time.Minute {
		k.used.Store(id, now)
	}
}

// RecordUse stores when tokens were last used, to the hour, until ctx ends: one message
// for a token in an hour in which it is used, however often that is. It is for gateways.
func (k *Keyring) RecordUse(ctx context.Context, every time.Duration) error {
	for wait.Sleep(ctx, every) == nil {
		k.used.Range(func(id, at any) bool {
			k.record(ctx, id.(string), at.(time.Time).UTC().Truncate(time.Hour))
			return ctx.Err() == nil
		})
	}
	return nil
}

// record stores when a token was last used. It is not stored over anything that is not
// known here, such as that the token was revoked meanwhile; what fails is done the next time.
func (k *Keyring) record(ctx context.Context, id string, hour time.Time) {
	k.mu.RLock()
	t, ok := k.tokens[id]
	seq := k.seqs[id]
	k.mu.RUnlock()
	if !ok || seq == 0 || !t.LastUsed.Before(hour) {
		return
	}
	t.LastUsed = hour
	now, err := k.bus.putToken(ctx, t, seq)
	if err != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seqs[id] == seq {
		k.tokens[id], k.seqs[id] = t, now
	}
}
