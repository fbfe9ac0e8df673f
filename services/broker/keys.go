package broker

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nkeys"

	"spool.internal/events"
)

// keys are the seeds of the server's own operator and accounts. Nobody outside
// this server trusts them.
type keys struct {
	Operator string            `json:"operator"`
	System   string            `json:"system"`
	Account  string            `json:"account"` // holds the streams; its users may do everything
	Since    int64             `json:"since"`   // unix seconds: users of Account made before then are let in no more
	Roles    map[Role]roleKeys `json:"roles"`
	Derive   []byte            `json:"derive"` // secret that the keys of subscribers' accounts are derived from
}

// roleKeys are those of the account of one role. A user signed by Signer may do
// what the role may; the account's own key signs nobody.
type roleKeys struct {
	Account string `json:"account"`
	Signer  string `json:"signer"`
}

// former are credentials files of earlier versions. That of the services could do
// everything, that of subscribers read every event.
var former = []string{"service.creds", "subscriber.creds"}

// loadKeys reads the keys of a data folder and makes what is missing of them and of
// the credentials files. The credentials of earlier versions end.
func loadKeys(dataDir string) (*keys, error) {
	dir := filepath.Join(dataDir, "nats")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	k, file := &keys{}, filepath.Join(dir, "keys.json")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("{}"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("keys of the NATS server: %w", err)
	}
	if err := json.Unmarshal(text, k); err != nil {
		return nil, fmt.Errorf("keys of the NATS server in %s: %w", file, err)
	}
	obsolete, err := k.complete()
	if err != nil {
		return nil, err
	}
	for _, creds := range obsolete {
		if err := os.Remove(filepath.Join(dataDir, creds)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("credentials: %w", err)
		}
	}
	if whole := events.Encode(k); string(whole) != strings.TrimSpace(string(text)) {
		if err := writeFile(file, whole); err != nil {
			return nil, err
		}
	}
	for _, r := range Roles() {
		if err := k.Roles[r].credentials(filepath.Join(dataDir, r.Creds()), r); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// complete makes the keys that are missing, and names the credentials files that
// are worth nothing from now on.
func (k *keys) complete() (obsolete []string, err error) {
	var errs []error
	need := func(seed *string, prefix nkeys.PrefixByte) bool {
		if *seed != "" {
			return false
		}
		kp, err := nkeys.CreatePair(prefix)
		if err != nil {
			errs = append(errs, fmt.Errorf("make keys: %w", err))
			return false
		}
		text, err := kp.Seed()
		*seed, errs = string(text), append(errs, err)
		return true
	}
	need(&k.Operator, nkeys.PrefixByteOperator)
	need(&k.System, nkeys.PrefixByteAccount)
	need(&k.Account, nkeys.PrefixByteAccount)
	if k.Since == 0 {
		k.Since = time.Now().Unix() - 1
	}
	if len(k.Derive) == 0 {
		k.Derive = make([]byte, 32)
		rand.Read(k.Derive) //nolint:errcheck // never fails
		obsolete = append(obsolete, former...)
	}
	if k.Roles == nil {
		k.Roles = map[Role]roleKeys{}
	}
	for _, r := range Roles() {
		of := k.Roles[r]
		account, signer := need(&of.Account, nkeys.PrefixByteAccount), need(&of.Signer, nkeys.PrefixByteAccount)
		if account || signer {
			obsolete = append(obsolete, r.Creds())
		}
		k.Roles[r] = of
	}
	return obsolete, errors.Join(errs...)
}

// writeFile writes a secret so that it is there whole or not at all.
func writeFile(file string, text []byte) error {
	tmp := file + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = f.WriteString(strings.TrimRight(string(text), "\n") + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return os.Rename(tmp, file)
}
