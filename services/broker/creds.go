package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
)

// credentials writes a role's credentials file, unless it is there.
func (k roleKeys) credentials(file string, role Role) error {
	if _, err := OwnerOf(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := userOf(k.Account, k.Signer, string(role), time.Time{})
	if err != nil {
		return err
	}
	return atomicfile.Write(file, text, 0o600)
}

// subscriber gives the credentials of a subscriber.
func (k roleKeys) subscriber(s events.Subscriber) ([]byte, error) {
	return userOf(k.Account, k.Signer, s.Consumer(), s.Expires)
}

// userOf makes a user of an account and gives its credentials, in the standard form
// that every NATS client reads. With a signing key the user may do what that key
// allows, else everything in the account. The zero time is no end.
func userOf(account, signer, name string, expires time.Time) ([]byte, error) {
	user, err := nkeys.CreateUser()
	if err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	id, err1 := user.PublicKey()
	seed, err2 := user.Seed()
	claims := jwt.NewUserClaims(id)
	claims.Name = name
	if !expires.IsZero() {
		claims.Expires = expires.Unix()
	}
	token, err3 := signUser(claims, account, signer)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	text, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	return text, nil
}

// signUser signs the claims of a user. A signing key has a scope, which alone says
// what the user may do: claims of its own would make the server refuse the user.
func signUser(claims *jwt.UserClaims, account, signer string) (string, error) {
	key := account
	if signer != "" {
		key = signer
		id, err := publicOf(account)
		if err != nil {
			return "", err
		}
		claims.IssuerAccount = id
		claims.UserPermissionLimits = jwt.UserPermissionLimits{}
	}
	kp, err := nkeys.FromSeed([]byte(key))
	if err != nil {
		return "", fmt.Errorf("account key: %w", err)
	}
	return claims.Encode(kp)
}

// OwnerOf reads whose a credentials file is: a role, or whatever name its maker gave.
func OwnerOf(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if owner, is := foreignOwner(text); is {
		return owner, nil
	}
	claims := &jwt.UserClaims{}
	token, err := jwt.ParseDecoratedJWT(text)
	if err == nil {
		claims, err = jwt.DecodeUserClaims(token)
	}
	if err == nil {
		_, err = jwt.ParseDecoratedUserNKey(text)
	}
	if err != nil {
		return "", atomicfile.Damaged(file, text, "it holds no credentials", "remove it, and the next start of the broker writes the file of a role anew; those of a subscriber come from spool subscriber create")
	}
	return claims.Name, nil
}

func publicOf(seed string) (string, error) {
	kp, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return "", fmt.Errorf("account key: %w", err)
	}
	return kp.PublicKey()
}
