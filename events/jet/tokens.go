package jet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"spool.internal/events"
)

// The stream behind the bucket of tokens, and what the subjects of its keys begin with.
const (
	streamTokens = "KV_" + bucketTokens
	tokenPrefix  = "$KV." + bucketTokens + "."
)

// PutToken stores a new token. The error is of code Conflict when its id was
// used before, be it by a token that is revoked.
func (b *Bus) PutToken(ctx context.Context, t events.Token) error {
	_, err := b.putToken(ctx, t, 0)
	return err
}

// putToken stores a token whose id has this sequence; 0 is a new one. A session goes by
// itself when it has ended.
func (b *Bus) putToken(ctx context.Context, t events.Token, expect uint64) (uint64, error) {
	m := message{Subject: tokenPrefix + t.ID, Data: body(t), Expect: &expect, Header: ends(t)}
	if err := b.tokens.take(ctx, b, []message{m}); err != nil {
		return 0, &events.Error{Code: events.Full, Message: "there is no room for more tokens: revoked ones take some, too; give the broker a larger --max-store"}
	}
	return b.commit(ctx, streamTokens, m)
}

// ends is the header by which what is said of a session goes by itself, a moment after
// the session has ended.
func ends(t events.Token) map[string]string {
	if t.KindOf() != events.SessionToken {
		return nil
	}
	left := max(time.Until(t.Expires), 0) + time.Minute
	return map[string]string{ttlHeader: left.Round(time.Second).String()}
}

// DropToken revokes a token for good: its mark stays, so that no token of its
// id is ever stored again. That of a session goes when the session would have ended. An
// id without a token gets a mark, too.
func (b *Bus) DropToken(ctx context.Context, t events.Token) (seq uint64, err error) {
	header := ends(t)
	if header == nil {
		header = map[string]string{}
	}
	header["KV-Operation"] = "DEL"
	return b.commit(ctx, streamTokens, message{Subject: tokenPrefix + t.ID, Header: header})
}

// Revoked reports that a token was revoked.
func (b *Bus) Revoked(ctx context.Context, id string) (bool, error) {
	m, found, err := b.last(ctx, streamTokens, tokenPrefix+id)
	return found && deleted(m), err
}

// Token reads one stored token; found is false when there is none of that id.
func (b *Bus) Token(ctx context.Context, id string) (t events.Token, found bool, err error) {
	m, found, err := b.last(ctx, streamTokens, tokenPrefix+id)
	if err != nil || !found || deleted(m) {
		return events.Token{}, false, err
	}
	t, err = decode[events.Token](m)
	if err != nil {
		return events.Token{}, false, fmt.Errorf("token %s: %w", id, err)
	}
	return t, true, nil
}

// Tokens reads all stored tokens, in the order in which they were stored.
func (b *Bus) Tokens(ctx context.Context) ([]events.Token, error) {
	var all []events.Token
	var unreadable error
	err := b.since(ctx, streamTokens, tokenPrefix+">", time.Time{}, func(m Stored) bool {
		if deleted(m) || strings.HasPrefix(m.Subject, tokenPrefix+"_") { // a key that is no token
			return true
		}
		t, err := decode[events.Token](m)
		if err != nil {
			unreadable = err
			return false
		}
		all = append(all, t)
		return true
	})
	return all, errors.Join(err, unreadable)
}

// deleted reports that a message is the mark of a key that is deleted.
func deleted(m Stored) bool { return m.header.Get("KV-Operation") != "" }
