package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"spool.internal/events"
)

// Credentials files in the data folder, in the standard form that every NATS client reads.
const (
	ServiceCreds    = "service.creds"    // for Spool's own services: everything
	SubscriberCreds = "subscriber.creds" // for other programs: read public events; inbox prefix _INBOX.subscriber
)

// keys are the seeds of the server's own operator and accounts. Nobody outside
// this server trusts them.
type keys struct {
	Operator string `json:"operator"`
	System   string `json:"system"`
	Account  string `json:"account"`
}

// loadKeys reads the keys of a data folder. On the first start it makes them and
// the credentials files; a credentials file that was removed is made anew.
func loadKeys(dataDir string) (*keys, error) {
	dir := filepath.Join(dataDir, "nats")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	k, file := &keys{}, filepath.Join(dir, "keys.json")
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if k, err = makeKeys(); err != nil {
			return nil, err
		}
		for _, creds := range []string{ServiceCreds, SubscriberCreds} { // of keys that are no more
			if err := os.Remove(filepath.Join(dataDir, creds)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("credentials: %w", err)
			}
		}
		if err := writeFile(file, events.Encode(k)); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("keys of the NATS server: %w", err)
	default:
		if err := json.Unmarshal(text, k); err != nil {
			return nil, fmt.Errorf("keys of the NATS server in %s: %w", file, err)
		}
	}
	return k, errors.Join(
		k.credentials(filepath.Join(dataDir, ServiceCreds), "service", jwt.Permissions{}),
		k.credentials(filepath.Join(dataDir, SubscriberCreds), "subscriber", subscriberMay()))
}

func makeKeys() (*keys, error) {
	seed := func(make func() (nkeys.KeyPair, error)) (string, error) {
		kp, err := make()
		if err != nil {
			return "", fmt.Errorf("make keys: %w", err)
		}
		s, err := kp.Seed()
		return string(s), err
	}
	operator, err1 := seed(nkeys.CreateOperator)
	system, err2 := seed(nkeys.CreateAccount)
	account, err3 := seed(nkeys.CreateAccount)
	return &keys{operator, system, account}, errors.Join(err1, err2, err3)
}

// trust makes the server accept what these keys have signed, and nobody else.
func (k *keys) trust(opts *server.Options) error {
	operator, err := nkeys.FromSeed([]byte(k.Operator))
	if err != nil {
		return fmt.Errorf("operator key: %w", err)
	}
	public, err := operator.PublicKey()
	if err != nil {
		return fmt.Errorf("operator key: %w", err)
	}
	resolver := &server.MemAccResolver{}
	add := func(seed, name string, jetstream bool) (string, error) {
		id, err := publicOf(seed)
		if err != nil {
			return "", err
		}
		claims := jwt.NewAccountClaims(id)
		claims.Name = name
		if jetstream {
			claims.Limits.JetStreamLimits = jwt.JetStreamLimits{
				MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit,
				Consumer: jwt.NoLimit, MaxAckPending: jwt.NoLimit,
			}
		}
		token, err := claims.Encode(operator)
		if err != nil {
			return "", fmt.Errorf("account %s: %w", name, err)
		}
		return id, resolver.Store(id, token)
	}
	system, err1 := add(k.System, "system", false)
	_, err2 := add(k.Account, "spool", true)
	opts.TrustedKeys, opts.AccountResolver, opts.SystemAccount = []string{public}, resolver, system
	return errors.Join(err1, err2)
}

func publicOf(seed string) (string, error) {
	kp, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return "", fmt.Errorf("account key: %w", err)
	}
	return kp.PublicKey()
}

// subscriberMay is what a program that reacts to events needs: read the public
// streams through consumers of its own, ack, and its inbox.
func subscriberMay() jwt.Permissions {
	p := jwt.Permissions{}
	p.Sub.Allow.Add("_INBOX.subscriber.>")
	p.Pub.Allow.Add("$JS.API.INFO", "$JS.API.STREAM.NAMES")
	for _, s := range []string{events.StreamJobs, events.StreamResults, events.StreamRunEvents, events.StreamDeadLetters} {
		p.Pub.Allow.Add(
			"$JS.API.STREAM.INFO."+s, "$JS.API.STREAM.MSG.GET."+s, "$JS.API.DIRECT.GET."+s, "$JS.API.DIRECT.GET."+s+".>",
			"$JS.API.CONSUMER.CREATE."+s+".>", "$JS.API.CONSUMER.DURABLE.CREATE."+s+".>",
			"$JS.API.CONSUMER.INFO."+s+".>", "$JS.API.CONSUMER.DELETE."+s+".>", "$JS.API.CONSUMER.NAMES."+s,
			"$JS.API.CONSUMER.LIST."+s, "$JS.API.CONSUMER.MSG.NEXT."+s+".>",
			"$JS.ACK."+s+".>", "$JS.ACK.*.*."+s+".>", "$JS.FC."+s+".>")
	}
	return p
}

func (k *keys) credentials(file, name string, may jwt.Permissions) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	account, err := nkeys.FromSeed([]byte(k.Account))
	if err != nil {
		return fmt.Errorf("account key: %w", err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		return fmt.Errorf("credentials %s: %w", name, err)
	}
	id, err1 := user.PublicKey()
	seed, err2 := user.Seed()
	claims := jwt.NewUserClaims(id)
	claims.Name, claims.Permissions = name, may
	token, err3 := claims.Encode(account)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("credentials %s: %w", name, err)
	}
	text, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		return fmt.Errorf("credentials %s: %w", name, err)
	}
	return writeFile(file, text)
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
