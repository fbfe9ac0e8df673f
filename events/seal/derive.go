package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
)

// forRuns tells the keys that are derived here from others of the same origin.
const forRuns = "spool: secrets of runs"

// ForRuns derives the key with which a dispatcher closes the secrets of a run for
// a runner in the same process. It opens nothing else.
func (k *Key) ForRuns() (*Shared, error) { return forRunsOf(k.private[:]) }

// ForRunsOf derives the same from the secret that a dispatcher and the runners
// share who are processes of their own: those runners need no seal key.
func ForRunsOf(secret string) (*Shared, error) { return forRunsOf([]byte(secret)) }

func forRunsOf(secret []byte) (*Shared, error) {
	raw, err := hkdf.Key(sha256.New, secret, nil, forRuns, 32)
	if err != nil {
		return nil, err
	}
	return ParseShared(base64.StdEncoding.EncodeToString(raw))
}
