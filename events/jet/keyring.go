package jet

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/seal"
	"spool.internal/events/wait"
)

// How often a keyring proves that it holds every token, how soon it tries again
// when it could not, and how long it is trusted without a proof. A revocation
// is heard of at once as long as the feed works; this is for when it does not.
const (
	proveEvery = time.Second
	proveAgain = 50 * time.Millisecond
	trustFor   = 5 * time.Second
)

// Keyring is a service's cache of the tokens and of the seal key.
type Keyring struct {
	bus *Bus

	mu      sync.RWMutex
	tokens  map[string]events.Token
	seqs    map[string]uint64 // by token id: the sequence of what tokens has
	revoked map[string]uint64 // by token id: sequence of the mark, until the feed has brought it
	seal    *seal.PublicKey
	shown   *seal.Shared
	seq     uint64    // the last sequence that was taken in
	proven  time.Time // when the cache was last known to be whole

	used sync.Map // by token id: when it was last used, to the minute
}

// NewKeyring makes a keyring; it is empty, and verifies nothing, before Run.
func NewKeyring(b *Bus) *Keyring {
	return &Keyring{bus: b, tokens: map[string]events.Token{}, seqs: map[string]uint64{}, revoked: map[string]uint64{}}
}

// Run keeps the keyring up to date until ctx ends.
func (k *Keyring) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
	}()
	wg.Go(func() { k.prove(ctx) })
	for {
		err := k.bus.follow(ctx, follow{Stream: streamTokens, Filters: []string{tokenPrefix + ">"}, From: LastEach},
			func(m Stored) { k.take(strings.TrimPrefix(m.Subject, tokenPrefix), m) })
		if !errors.Is(err, errStale) {
			return err
		}
		// The marks of deleted keys never expire, so reading all keys again misses none.
	}
}

func (k *Keyring) take(key string, m Stored) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seq = max(k.seq, m.Sequence)
	if key == sealKey {
		if p, _, err := parseSealKey(m.Data); err == nil {
			k.seal = &p
		}
		return
	}
	if key == shownKey {
		if s, err := seal.ParseShared(string(m.Data)); err == nil {
			k.shown = s
		}
		return
	}
	if mark, ok := k.revoked[key]; ok {
		if m.Sequence < mark {
			return // was on its way when the token was revoked
		}
		delete(k.revoked, key)
	}
	t, err := decode[events.Token](m)
	if deleted(m) || err != nil {
		k.forget(key)
		return
	}
	k.tokens[key], k.seqs[key] = t, m.Sequence
}

func (k *Keyring) forget(id string) {
	delete(k.tokens, id)
	delete(k.seqs, id)
	k.used.Delete(id)
}

// forgetEnded takes the sessions out that have ended by themselves, of which no feed
// tells.
func (k *Keyring) forgetEnded(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, t := range k.tokens {
		if t.KindOf() == events.SessionToken && t.Expired(now) {
			k.forget(id)
		}
	}
}

// unproven says why nobody can tell which tokens count, or nil: the cache was not proven
// for a while, or who proved it may have been left behind by the others. What is named is
// the store, which is what somebody has to look at. The caller holds the lock.
func (k *Keyring) unproven() error {
	if time.Since(k.proven) <= trustFor && !k.bus.health.cutOff(streamTokens) {
		return nil
	}
	seen := "the store has not been read yet"
	if !k.proven.IsZero() {
		seen = streamTokens + " does not answer since " + k.proven.UTC().Format(time.RFC3339)
	}
	return k.bus.unavailable(streamTokens, seen)
}

// prove compares the cache with what the broker's leader holds, every second: a connection that is up says nothing about a feed that has stalled.
func (k *Keyring) prove(ctx context.Context) {
	for n := 0; ; n++ {
		if n%60 == 0 {
			k.forgetEnded(time.Now())
		}
		next := proveAgain
		asked := time.Now()
		if m, _, err := k.bus.last(ctx, streamTokens, tokenPrefix+">"); err == nil {
			k.mu.Lock()
			if k.seq >= m.Sequence {
				k.proven, next = asked, proveEvery
			}
			k.mu.Unlock()
		}
		if wait.Sleep(ctx, wait.Whole(next)) != nil {
			return
		}
	}
}

// Enter stores a new token, and knows it at once.
func (k *Keyring) Enter(ctx context.Context, t events.Token) error {
	seq, err := k.bus.putToken(ctx, t, 0)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.revoked[t.ID]; !ok {
		k.tokens[t.ID], k.seqs[t.ID] = t, seq
	}
	return nil
}

// Revoke deletes a token. This keyring refuses it when Revoke returns, others
// when their feed brings the news. The error is of code NotFound for an unknown id.
func (k *Keyring) Revoke(ctx context.Context, id string) error {
	t, found, err := k.bus.Token(ctx, id)
	if err != nil {
		return err
	}
	if !found {
		return &events.Error{Code: events.NotFound, Field: "id", Message: "no such token"}
	}
	mark, err := k.bus.DropToken(ctx, t)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(id)
	if k.seq < mark {
		k.revoked[id] = mark
	}
	return nil
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

// OthersWrite reports whether anybody but administrators may write flows by a
// token that is valid now. The error is of code Unavailable while nobody can tell.
func (k *Keyring) OthersWrite(now time.Time) (bool, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if err := k.unproven(); err != nil {
		return false, err
	}
	for _, t := range k.tokens {
		if t.Role != events.Admin && t.Role.MayWrite() && k.ended(t, now) == nil {
			return true, nil
		}
	}
	return false, nil
}

// ShownKey gives the key with which gateways close what only operators are
// shown, once a gateway has made it.
func (k *Keyring) ShownKey() (*seal.Shared, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.shown, k.shown != nil
}
