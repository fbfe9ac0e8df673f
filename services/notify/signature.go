package notify

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
)

// secretFile holds the secrets that webhooks are signed with, one a line. With two of them everything is signed twice,
// so that receivers can change from one to the other. The file is read for every signature: a change needs no restart.
type secretFile string

const secretPrefix = "whsec_"

// ensure creates the file with one secret if it does not exist.
func (f secretFile) ensure() error {
	if _, err := f.read(); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := atomicfile.Create(string(f), NewSecret(), 0o600); err != nil && !errors.Is(err, fs.ErrExist) { // another dispatcher was first
		return fmt.Errorf("webhook-secret-file: %w", err)
	}
	return nil
}

// NewSecret makes the text of a file with one secret.
func NewSecret() []byte {
	key := make([]byte, 32)
	rand.Read(key) //nolint:errcheck // never fails
	return []byte(secretPrefix + base64.StdEncoding.EncodeToString(key) + "\n")
}

// read reads the secrets.
func (f secretFile) read() ([]*standardwebhooks.Webhook, error) {
	text, err := os.ReadFile(string(f))
	if err != nil {
		return nil, fmt.Errorf("webhook-secret-file: %w", err)
	}
	var keys []*standardwebhooks.Webhook
	for i, line := range strings.Fields(string(text)) {
		raw, ok := strings.CutPrefix(line, secretPrefix)
		key, err := base64.StdEncoding.DecodeString(raw)
		if !ok || err != nil || len(key) < 16 {
			// The line itself is a secret, or was meant to be one.
			return nil, events.Faultf(events.Invalid, "webhook-secret-file", "line %d of %s is not %s and the base64 of at least 16 bytes", i+1, f, secretPrefix)
		}
		wh, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("webhook-secret-file: %w", err)
		}
		keys = append(keys, wh)
	}
	if len(keys) == 0 {
		why := atomicfile.Damaged(string(f), text, "it holds no secret", "restore it from your backup, or remove it, and the next start makes another, which receivers have to be told")
		return nil, &events.Error{Code: events.Invalid, Field: "webhook-secret-file", Message: why.Error()}
	}
	return keys, nil
}

// sign returns the value of the header webhook-signature.
func (f secretFile) sign(id string, at time.Time, body []byte) (string, error) {
	keys, err := f.read()
	if err != nil {
		return "", err
	}
	var all []string
	for _, k := range keys {
		s, err := k.Sign(id, at, body)
		if err != nil {
			return "", fmt.Errorf("sign: %w", err)
		}
		all = append(all, s)
	}
	return strings.Join(all, " "), nil
}
