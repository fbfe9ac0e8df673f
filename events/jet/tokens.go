package jet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"spool.internal/events"
)

// Role is what a token may do.
type Role string

const (
	Admin    Role = "admin"    // everything, everybody's jobs, tokens
	Operator Role = "operator" // its owner's jobs, and the runner
	Viewer   Role = "viewer"   // read
)

// WritesFlows reports whether a token of the role may start flows, or change what
// starts: those of somebody who is no administrator need the sandbox whole.
func (r Role) WritesFlows() bool { return r != Viewer }

// Token is an API token as it is stored: without its secret.
type Token struct {
	ID      string    `json:"id"`
	Hash    string    `json:"hash"` // SHA-256 of the whole token, hex
	Owner   string    `json:"owner"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Paths   []string  `json:"paths,omitzero"` // what it reaches on the drives; nil = everything: of administrators, and of tokens from before there were paths
}

// Access is what the token reaches on the drives.
func (t Token) Access() events.Access {
	return events.Access{All: t.Role == Admin || t.Paths == nil, Paths: t.Paths}
}

// The stream behind the bucket of tokens, and what the subjects of its keys begin with.
const (
	streamTokens = "KV_" + events.BucketTokens
	tokenPrefix  = "$KV." + events.BucketTokens + "."
)

// NewToken makes a token; its text is shown to its owner and stored nowhere.
func NewToken(owner string, role Role, now time.Time) (Token, string) {
	raw := make([]byte, 36)
	rand.Read(raw) //nolint:errcheck // never fails
	id := hex.EncodeToString(raw[:4])
	text := "spool_" + id + "_" + base64.RawURLEncoding.EncodeToString(raw[4:])
	return TokenOf(text, owner, role, now), text
}

// TokenOf is the stored form of a token whose text is known.
func TokenOf(text, owner string, role Role, now time.Time) Token {
	return Token{ID: tokenID(text), Hash: hash(text), Owner: owner, Role: role, Created: now.UTC()}
}

func tokenID(text string) string {
	parts := strings.SplitN(text, "_", 3)
	if len(parts) != 3 || parts[0] != "spool" {
		return ""
	}
	return parts[1]
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// PutToken stores a new token. The error is of code Conflict when its id was
// used before, be it by a token that is revoked.
func (b *Bus) PutToken(ctx context.Context, t Token) error {
	m := Message{Subject: tokenPrefix + t.ID, Data: body(t), Expect: new(uint64(0))}
	if err := b.tokens.take(ctx, b, []Message{m}); err != nil {
		return &events.Error{Code: events.Full, Message: "there is no room for more tokens: revoked ones take some, too; give the broker a larger --max-store"}
	}
	_, err := b.Commit(ctx, streamTokens, m)
	return err
}

// DropToken revokes a token for good: its mark stays, so that no token of its
// id is ever stored again. An id without a token gets a mark, too.
func (b *Bus) DropToken(ctx context.Context, id string) (seq uint64, err error) {
	return b.Commit(ctx, streamTokens, Message{Subject: tokenPrefix + id, Header: map[string]string{"KV-Operation": "DEL"}})
}

// Revoked reports that a token was revoked.
func (b *Bus) Revoked(ctx context.Context, id string) (bool, error) {
	m, found, err := b.Last(ctx, streamTokens, tokenPrefix+id)
	return found && deleted(m), err
}

// Token reads one stored token; found is false when there is none of that id.
func (b *Bus) Token(ctx context.Context, id string) (t Token, found bool, err error) {
	m, found, err := b.Last(ctx, streamTokens, tokenPrefix+id)
	if err != nil || !found || deleted(m) {
		return Token{}, false, err
	}
	t, err = decode[Token](m)
	if err != nil {
		return Token{}, false, fmt.Errorf("token %s: %w", id, err)
	}
	return t, true, nil
}

// Tokens reads all stored tokens, in the order in which they were stored.
func (b *Bus) Tokens(ctx context.Context) ([]Token, error) {
	var all []Token
	var unreadable error
	err := b.Since(ctx, streamTokens, tokenPrefix+">", time.Time{}, func(m Stored) bool {
		if deleted(m) || strings.HasPrefix(m.Subject, tokenPrefix+"_") { // a key that is no token
			return true
		}
		t, err := decode[Token](m)
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
func deleted(m Stored) bool { return m.Header.Get("KV-Operation") != "" }
