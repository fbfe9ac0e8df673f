// Package seal encrypts the secrets in jobs so that only the dispatcher can read them.
//
//	key, err := seal.Load("seal.key")                        // made when it does not exist
//	box, err := key.Public.Seal(secret, jobID, "/auth_token")
//	secret, err = key.Open(box, jobID, "/auth_token")
//
// Whoever has the public key can seal. Only the holder of the private key can open, and only for
// the job and the place (a JSON pointer) that the secret was sealed for: a box that was moved to
// another job does not open. [Shared] is for two processes that know one secret: the dispatcher
// and the runner.
package seal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/nacl/box"

	"spool.internal/events/atomicfile"
)

// PublicKey seals. Its text form is base64.
type PublicKey [32]byte

// Key opens what its public part sealed.
type Key struct {
	Public  PublicKey
	private [32]byte
}

// errKey says that a box was sealed with another key or for another place.
var errKey = errors.New("the secret was sealed with another key or for another job")

// Load reads the key in file. When the file does not exist it makes a key and creates the file,
// whole or not at all, readable only by its owner.
func Load(file string) (*Key, error) {
	k, err := Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return create(file)
	}
	return k, err
}

// Read reads the key in file; without the file the error is fs.ErrNotExist.
func Read(file string) (*Key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read seal key: %w", err)
	}
	k, ok := Parse(text)
	if !ok {
		return nil, atomicfile.Damaged(file, text, "it holds no seal key", "restore it from your backup")
	}
	return k, nil
}

// Parse reads the key that a file holds.
func Parse(text []byte) (k *Key, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != 64 {
		return nil, false
	}
	k = &Key{}
	copy(k.Public[:], raw[:32])
	copy(k.private[:], raw[32:])
	return k, true
}

func create(file string) (*Key, error) {
	public, private, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make seal key: %w", err)
	}
	text := base64.StdEncoding.EncodeToString(append(public[:], private[:]...)) + "\n"
	if err := atomicfile.Create(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	return &Key{*public, *private}, nil
}

// Seal closes secret for one place (a JSON pointer) in one job.
func (p PublicKey) Seal(secret, jobID, pointer string) (string, error) {
	from, err := senderTo(p)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	var nonce [24]byte
	rand.Read(nonce[:]) //nolint:errcheck // never fails
	sealed := append(from.public[:], nonce[:]...)
	sealed = box.SealAfterPrecomputation(sealed, append(place(jobID, pointer), secret...), &nonce, &from.shared)
	return p.ID() + ":" + base64.StdEncoding.EncodeToString(sealed), nil
}

// sender is a key pair of this process for one recipient. It is used for every
// box, under a nonce of its own each: agreeing on a key anew for each secret
// would be most of the cost of a create_job.
type sender struct{ public, shared [32]byte }

var senders sync.Map // PublicKey → sender

func senderTo(p PublicKey) (sender, error) {
	if s, ok := senders.Load(p); ok {
		return s.(sender), nil
	}
	public, private, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return sender{}, err
	}
	s, to := sender{public: *public}, [32]byte(p)
	box.Precompute(&s.shared, &to, private)
	first, _ := senders.LoadOrStore(p, s)
	return first.(sender), nil
}

// Open gives the secret that was sealed for this place in this job.
func (k *Key) Open(sealed, jobID, pointer string) (string, error) {
	id, text, _ := strings.Cut(sealed, ":")
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || id != k.Public.ID() || len(raw) < 32+24 {
		return "", errKey
	}
	from, nonce := [32]byte(raw[:32]), [24]byte(raw[32:56])
	plain, ok := box.Open(nil, raw[56:], &nonce, &from, &k.private)
	want := place(jobID, pointer)
	if !ok || len(plain) < len(want) || string(plain[:len(want)]) != string(want) {
		return "", errKey
	}
	return string(plain[len(want):]), nil
}

// place is of fixed length, so that no secret can be read as part of it.
func place(jobID, pointer string) []byte {
	sum := sha256.Sum256([]byte(jobID + "\x00" + pointer))
	return sum[:]
}

// ID is the short name of a key, in front of every box.
func (p PublicKey) ID() string {
	sum := sha256.Sum256(p[:])
	return hex.EncodeToString(sum[:4])
}

func (p PublicKey) String() string { return base64.StdEncoding.EncodeToString(p[:]) }

// ParsePublic reads the text form of a public key.
func ParsePublic(s string) (PublicKey, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) != 32 {
		return PublicKey{}, errors.New("not a public seal key")
	}
	return PublicKey(raw), nil
}
