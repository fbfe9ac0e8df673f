package jet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/seal"
)

// Role is what a token may do.
type Role string

const (
	Admin    Role = "admin"    // everything, everybody's jobs, tokens
	Operator Role = "operator" // its owner's jobs, and the runner
	Viewer   Role = "viewer"   // read
)

// Token is an API token as it is stored: without its secret.
type Token struct {
	ID      string    `json:"id"`
	Hash    string    `json:"hash"` // SHA-256 of the whole token, hex
	Owner   string    `json:"owner"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

// The key that holds the public seal key; its name cannot be a token id.
const sealKey = "_seal"

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

// PutToken stores a token.
func (b *Bus) PutToken(ctx context.Context, t Token) error {
	return b.putKey(ctx, t.ID, body(t))
}

func (b *Bus) putKey(ctx context.Context, key string, data []byte) error {
	_, err := b.Commit(ctx, "KV_"+events.BucketTokens, Message{Subject: "$KV." + events.BucketTokens + "." + key, Data: data})
	return err
}

// PutSealKey tells everybody with which key secrets are to be sealed.
func (b *Bus) PutSealKey(ctx context.Context, k seal.PublicKey) error {
	return b.putKey(ctx, sealKey, []byte(k.String()))
}

// Keyring is a service's picture of the tokens and of the seal key.
type Keyring struct {
	bus *Bus

	mu     sync.RWMutex
	tokens map[string]Token
	seal   *seal.PublicKey
}

// NewKeyring makes a keyring; it is empty before Run.
func NewKeyring(b *Bus) *Keyring { return &Keyring{bus: b, tokens: map[string]Token{}} }

// Run keeps the keyring up to date until ctx ends.
func (k *Keyring) Run(ctx context.Context) error {
	prefix := "$KV." + events.BucketTokens + "."
	return k.bus.Follow(ctx, Follow{
		Stream: "KV_" + events.BucketTokens, Filters: []string{prefix + ">"}, From: LastEach,
	}, func(m Stored) { k.take(strings.TrimPrefix(m.Subject, prefix), m) })
}

func (k *Keyring) take(key string, m Stored) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key == sealKey {
		if p, err := seal.ParsePublic(string(m.Data)); err == nil {
			k.seal = &p
		}
		return
	}
	t, err := decode[Token](m)
	if m.Header.Get("KV-Operation") != "" || err != nil {
		delete(k.tokens, key)
		return
	}
	k.tokens[key] = t
}

// SealKey gives the key that secrets are sealed with, once the dispatcher has published it.
func (k *Keyring) SealKey() (seal.PublicKey, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.seal == nil {
		return seal.PublicKey{}, false
	}
	return *k.seal, true
}

// Verify finds the token that a text is. The error is an [events.Error] of code Unauthorized.
func (k *Keyring) Verify(text string, now time.Time) (Token, error) {
	k.mu.RLock()
	t, ok := k.tokens[tokenID(text)]
	k.mu.RUnlock()
	if !ok || subtle.ConstantTimeCompare([]byte(t.Hash), []byte(hash(text))) != 1 {
		return Token{}, &events.Error{Code: events.Unauthorized, Message: "the token is not valid"}
	}
	if !t.Expires.IsZero() && !now.Before(t.Expires) {
		return Token{}, &events.Error{Code: events.Unauthorized, Message: "the token expired at " + t.Expires.Format(time.RFC3339)}
	}
	return t, nil
}

// Token reads one stored token; found is false when there is none of that id.
func (b *Bus) Token(ctx context.Context, id string) (t Token, found bool, err error) {
	m, found, err := b.Last(ctx, "KV_"+events.BucketTokens, "$KV."+events.BucketTokens+"."+id)
	if err != nil || !found || m.Header.Get("KV-Operation") != "" {
		return Token{}, false, err
	}
	t, err = decode[Token](m)
	if err != nil {
		return Token{}, false, fmt.Errorf("token %s: %w", id, err)
	}
	return t, true, nil
}
