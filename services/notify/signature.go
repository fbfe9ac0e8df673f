package notify

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"spool.internal/events"
)

// secretFile holds the secrets that webhooks are signed with, one a line. With
// two of them everything is signed twice, so that receivers can go from one to
// the other. The file is read for every signature: a change needs no restart.
type secretFile string

const secretPrefix = "whsec_"

// ensure makes the file, with one secret, if it is not there.
func (f secretFile) ensure() error {
	key := make([]byte, 32)
	rand.Read(key) //nolint:errcheck // never fails
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o700); err != nil {
		return fmt.Errorf("webhook-secret-file: %w", err)
	}
	file, err := os.OpenFile(string(f), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		_, err := f.read()
		return err
	}
	if err != nil {
		return fmt.Errorf("webhook-secret-file: %w", err)
	}
	_, err = file.WriteString(secretPrefix + base64.StdEncoding.EncodeToString(key) + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("webhook-secret-file: %w", err)
	}
	return nil
}

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
		return nil, events.Faultf(events.Invalid, "webhook-secret-file", "%s holds no secret: remove it, and the next start makes one", f)
	}
	return keys, nil
}

// sign gives the value of the header webhook-signature.
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
