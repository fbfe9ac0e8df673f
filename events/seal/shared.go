package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
)

// Shared is a key with which its holders close and open texts for each other:
// gateways, for what they show to some of their callers and the store shall not.
type Shared struct{ aead cipher.AEAD }

// NewShared makes a key and gives its text form.
func NewShared() string {
	raw := make([]byte, 32)
	rand.Read(raw) //nolint:errcheck // never fails
	return base64.StdEncoding.EncodeToString(raw)
}

// ParseShared reads the text form of a key.
func ParseShared(text string) (*Shared, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != 32 {
		return nil, errors.New("not a shared key")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Shared{aead}, err
}

// Close closes a text for one place in one job.
func (s *Shared) Close(text, jobID, pointer string) string {
	return base64.StdEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(text), place(jobID, pointer)))
}

// Open gives a text that was closed for this place in this job.
func (s *Shared) Open(closed, jobID, pointer string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(closed)
	if err != nil {
		return "", errKey
	}
	plain, err := s.aead.Open(nil, nil, raw, place(jobID, pointer))
	if err != nil {
		return "", errKey
	}
	return string(plain), nil
}
