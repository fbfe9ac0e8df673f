package jet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/seal"
)

// sealKey is the key in the bucket of tokens that holds the public seal key and
// a canary; it cannot be a token id.
const sealKey = "_seal"

// shownKey is the key in the same bucket that holds what gateways close with.
const shownKey = "_shown"

// MakeShownKey makes the key with which gateways close what they show to
// operators and the store does not, unless the store has one.
func (b *Bus) MakeShownKey(ctx context.Context) error {
	_, found, err := b.last(ctx, streamTokens, tokenPrefix+shownKey)
	if err != nil || found {
		return err
	}
	_, err = b.commit(ctx, streamTokens, message{
		Subject: tokenPrefix + shownKey, Data: []byte(seal.NewShared()), Expect: new(uint64(0)),
	})
	if IsConflict(err) {
		return nil // another gateway was first
	}
	return err
}

// OpenSealKey gives the key in file, which is the one that the secrets in the
// store are sealed with. When the store knows no key yet it makes one and tells
// everybody. Any other key, or none, is an error that says which one is needed;
// nothing is changed then.
func (b *Bus) OpenSealKey(ctx context.Context, file string) (key *seal.Key, err error) {
	err = b.Patiently(ctx, "the seal key", func(ctx context.Context) error {
		key, err = b.openSealKey(ctx, file)
		return err
	})
	return key, err
}

func (b *Bus) openSealKey(ctx context.Context, file string) (*seal.Key, error) {
	for {
		m, found, err := b.last(ctx, streamTokens, tokenPrefix+sealKey)
		if err != nil {
			return nil, err
		}
		if found {
			return matchSealKey(m.Data, file)
		}
		key, err := seal.Load(file)
		if err != nil {
			return nil, err
		}
		if err := b.PutSealKey(ctx, key.Public); !IsConflict(err) {
			return key, err
		}
		// Another dispatcher was first: its key is the one.
	}
}

func matchSealKey(stored []byte, file string) (*seal.Key, error) {
	public, canary, err := parseSealKey(stored)
	if err != nil {
		return nil, err
	}
	key, err := seal.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the seal key %s is missing, and secrets of jobs are sealed with it: restore %s from your backup", public.ID(), file)
	}
	if err != nil {
		return nil, err
	}
	if _, err := key.Open(canary, "", sealKey); err != nil {
		return nil, fmt.Errorf("%s holds the seal key %s, but secrets of jobs are sealed with %s: restore that key from your backup",
			file, key.Public.ID(), public.ID())
	}
	return key, nil
}

// PutSealKey tells everybody with which key secrets are to be sealed, once: a
// store that knows a key already is [IsConflict].
func (b *Bus) PutSealKey(ctx context.Context, k seal.PublicKey) error {
	canary, err := k.Seal("canary", "", sealKey)
	if err != nil {
		return err
	}
	_, err = b.commit(ctx, streamTokens, message{
		Subject: tokenPrefix + sealKey, Data: []byte(k.String() + " " + canary), Expect: new(uint64(0)),
	})
	return err
}

func parseSealKey(stored []byte) (public seal.PublicKey, canary string, err error) {
	text, canary, _ := strings.Cut(string(stored), " ")
	public, err = seal.ParsePublic(text)
	return public, canary, err
}

// SealKeyID is the id of the key that the secrets in a store are sealed with; empty when it knows none.
func SealKeyID(ctx context.Context, js jetstream.JetStream) (string, error) {
	s, err := js.Stream(ctx, streamTokens)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("stream %s: %w", streamTokens, err)
	}
	m, err := s.GetLastMsgForSubject(ctx, tokenPrefix+sealKey)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("seal key: %w", err)
	}
	public, _, err := parseSealKey(m.Data)
	if err != nil {
		return "", err
	}
	return public.ID(), nil
}
