package broker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"spool.internal/events/atomicfile"
)

// foreignHead is the first line of the key of a user of a NATS of one's own. What stands
// behind it is the key in the standard form, which other clients read, too.
const foreignHead = "# key of Spool's "

// ForeignKeys reads the keys of the users of a NATS of one's own out of a folder, makes
// those that are not there, and gives the public ones, which alone the server knows.
func ForeignKeys(dir string) (map[Role]string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	public := map[Role]string{}
	for _, role := range ForeignUsers() {
		file := filepath.Join(dir, role.Creds())
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			if text, err = newForeignKey(role); err == nil {
				err = atomicfile.Write(file, text, 0o600)
			}
		}
		if err != nil {
			return nil, err
		}
		owner, is := foreignOwner(text)
		if !is || owner != string(role) {
			return nil, fmt.Errorf("%s is not the key of %s on a NATS of your own: give another folder, or remove it to have it made", file, role)
		}
		kp, err := nkeys.ParseDecoratedNKey(text)
		if err == nil {
			public[role], err = kp.PublicKey()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return public, nil
}

func newForeignKey(role Role) ([]byte, error) {
	kp, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	seed, err := kp.Seed()
	return fmt.Appendf(nil, "%s%s\n-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n", foreignHead, role, seed), err
}

// foreignOwner says whose such a key is.
func foreignOwner(text []byte) (role string, is bool) {
	head, _, _ := bytes.Cut(text, []byte("\n"))
	role, is = strings.CutPrefix(string(head), foreignHead)
	return strings.TrimSpace(role), is
}

// StandGuard does for the roles on a NATS of one's own what the broker does on Spool's,
// until the connection is closed: it passes on what a subject alone cannot bound, and
// repeats hints. Several share the work.
func StandGuard(nc *nats.Conn) error {
	if _, err := openGuard(nc, func() error { return nil }); err != nil {
		return err
	}
	if err := relayHints(nc); err != nil {
		return err
	}
	return nc.Flush()
}
