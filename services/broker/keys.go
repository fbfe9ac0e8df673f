package broker

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
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
	"spool.internal/events/atomicfile"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/broker/store"
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
// what the role may; the account's own key signs no user.
type roleKeys struct {
	Account string `json:"account"`
	Signer  string `json:"signer"`
}

// former are credentials files of earlier versions. That of the services could do
// everything, that of subscribers read every event.
var former = []string{"service.creds", "subscriber.creds"}

// loadKeys reads the keys of a data folder and makes what is missing of them and of
// the credentials files. The credentials of earlier versions end. A bundle's keys are those of
// its machine's data folder, too.
func loadKeys(dataDir string, of *cluster.Bundle) (*keys, error) {
	dir := filepath.Join(dataDir, "nats")
	file := filepath.Join(dir, "keys.json")
	k, text, err := readKeys(file)
	if err == nil && of != nil {
		k, err = k.from(of, text == nil)
	}
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	obsolete, err := k.complete(of != nil)
	if err != nil {
		return nil, err
	}
	for _, creds := range obsolete {
		if err := os.Remove(filepath.Join(dataDir, creds)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("credentials: %w", err)
		}
	}
	if whole := events.Encode(k); string(whole) != strings.TrimSpace(string(text)) {
		if err := atomicfile.Write(file, append(whole, '\n'), 0o600); err != nil {
			return nil, fmt.Errorf("keys of the NATS server: %w", err)
		}
	}
	for _, r := range Roles() {
		if err := k.Roles[r].credentials(filepath.Join(dataDir, r.Creds()), r); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// from gives the keys of a bundle, unless the data folder has others already.
func (k *keys) from(b *cluster.Bundle, none bool) (*keys, error) {
	shared, err := parseKeys(b.Path(cluster.Keys), b.Text(cluster.Keys))
	if err != nil || none {
		return shared, err
	}
	mine, err1 := publicOf(k.Account)
	theirs, err2 := publicOf(shared.Account)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if mine != theirs {
		return nil, fmt.Errorf("the data folder has the keys of account %s, and the bundle those of account %s: give the bundle that the store was made with, or an empty folder to --data", mine, theirs)
	}
	return shared, nil
}

// NewKeys makes the keys of the servers of a cluster, as a bundle holds them.
func NewKeys() ([]byte, error) {
	k := &keys{}
	if _, err := k.complete(false); err != nil {
		return nil, err
	}
	return append(events.Encode(k), '\n'), nil
}

// readKeys reads the keys; a file that is not there holds none.
func readKeys(file string) (*keys, []byte, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if stores, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "jetstream", "*", "streams")); len(stores) > 0 {
			return nil, nil, fmt.Errorf("%s is missing, and what is stored in %s belongs to the keys in it: restore it from your backup", file, filepath.Dir(stores[0]))
		}
		if store.Noted(filepath.Dir(filepath.Dir(file))) {
			return nil, nil, &Lost{fmt.Errorf("%s is gone, and with it what was stored: restore the data folder from your backup; to begin with nothing, give another folder to --data", filepath.Dir(file))}
		}
		return &keys{}, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("keys of the NATS server: %w", err)
	}
	k := &keys{}
	if err = json.Unmarshal(text, k); err == nil {
		err = k.sound()
	}
	if err != nil {
		return nil, nil, atomicfile.Damaged(file, text, "it does not hold the keys of the NATS server ("+err.Error()+")",
			"restore it from your backup, what is stored belongs to these keys")
	}
	return k, text, nil
}

// sound reports why these keys cannot be what was written. Those of an earlier
// version lack some, never the first.
func (k *keys) sound() error {
	seeds := []string{k.Operator, k.System, k.Account}
	for _, r := range k.Roles {
		seeds = append(seeds, r.Account, r.Signer)
	}
	for _, seed := range seeds {
		kp, err := nkeys.FromSeed([]byte(seed))
		if err != nil {
			return errors.New("one of them is no seed")
		}
		kp.Wipe()
	}
	return nil
}

// complete makes the keys that are missing, and names the credentials files that
// are worth nothing from now on. Shared keys are completed to the same on every machine.
func (k *keys) complete(shared bool) (obsolete []string, err error) {
	var errs []error
	need := func(seed *string, prefix nkeys.PrefixByte, use string) bool {
		if *seed != "" {
			return false
		}
		kp, err := nkeys.CreatePair(prefix)
		if shared {
			mac := hmac.New(sha256.New, k.Derive)
			mac.Write([]byte(use))
			kp, err = nkeys.FromRawSeed(prefix, mac.Sum(nil))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("make keys: %w", err))
			return false
		}
		text, err := kp.Seed()
		*seed, errs = string(text), append(errs, err)
		return true
	}
	need(&k.Operator, nkeys.PrefixByteOperator, "operator")
	need(&k.System, nkeys.PrefixByteAccount, "system")
	need(&k.Account, nkeys.PrefixByteAccount, "account")
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
		account := need(&of.Account, nkeys.PrefixByteAccount, "role "+string(r))
		signer := need(&of.Signer, nkeys.PrefixByteAccount, "signer "+string(r))
		if account || signer {
			obsolete = append(obsolete, r.Creds())
		}
		k.Roles[r] = of
	}
	return obsolete, errors.Join(errs...)
}
