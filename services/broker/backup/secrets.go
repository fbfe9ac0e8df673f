package backup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
)

// magic begins what is encrypted with age, and what is compressed with zstd.
const (
	ageMagic  = "age-encryption.org/v1\n"
	zstdMagic = "\x28\xb5\x2f\xfd"
)

// maxWork bounds how long a hostile file may have its reader stretch a passphrase: some seconds.
const maxWork = 20

// Recipients reads who may open a backup: age recipients, or a file with a passphrase. Neither is
// a backup that anybody may read who has the file.
func Recipients(to []string, passphraseFile string) (all []age.Recipient, err error) {
	if len(to) > 0 && passphraseFile != "" {
		return nil, errors.New("passphrase-file: is given together with --encrypt-to: give one of them")
	}
	for _, text := range to {
		one, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(one) != 1 {
			return nil, fmt.Errorf("encrypt-to: %.20q is not a recipient of age, such as age1… (age-keygen makes one)", text)
		}
		all = append(all, one...)
	}
	if passphraseFile == "" {
		return all, nil
	}
	text, err := passphrase(passphraseFile)
	if err != nil {
		return nil, err
	}
	one, err := age.NewScryptRecipient(text)
	return []age.Recipient{one}, err
}

// Identities reads what opens a backup.
func Identities(identityFile, passphraseFile string) (all []age.Identity, err error) {
	if identityFile != "" {
		f, err := os.Open(identityFile)
		if err != nil {
			return nil, fmt.Errorf("identity: %w", err)
		}
		defer f.Close() //nolint:errcheck // nothing was written through it
		if all, err = age.ParseIdentities(io.LimitReader(f, 1<<20)); err != nil {
			return nil, fmt.Errorf("identity: %s holds no identities of age, AGE-SECRET-KEY-1… (age-keygen makes one)", identityFile)
		}
	}
	if passphraseFile != "" {
		text, err := passphrase(passphraseFile)
		if err != nil {
			return nil, err
		}
		one, err := age.NewScryptIdentity(text)
		if err != nil {
			return nil, fmt.Errorf("passphrase-file: %w", err)
		}
		one.SetMaxWorkFactor(maxWork)
		all = append(all, one)
	}
	return all, nil
}

func passphrase(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("passphrase-file: %w", err)
	}
	p := strings.TrimRight(string(text), "\r\n")
	if len(p) < 12 || strings.Contains(p, "\n") {
		return "", fmt.Errorf("passphrase-file: %s is to hold one line of at least 12 characters", file)
	}
	return p, nil
}

// ErrEncrypted is the error for an encrypted backup that is opened without a key.
var ErrEncrypted = errors.New("it is encrypted: give --identity FILE, or --passphrase-file FILE")

// decrypted gives what is in a file, whether it is encrypted or not.
func decrypted(r io.Reader, ids []age.Identity) (io.Reader, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	begin, err := br.Peek(len(ageMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case strings.HasPrefix(string(begin), zstdMagic):
		return br, nil
	case string(begin) != ageMagic:
		return nil, errors.New("it is not a backup of Spool")
	case len(ids) == 0:
		return nil, ErrEncrypted
	}
	in, err := age.Decrypt(br, ids...)
	if _, none := errors.AsType[*age.NoIdentityMatchError](err); none {
		return nil, errors.New("it cannot be opened with this key or passphrase: it is encrypted to another")
	}
	if err != nil {
		return nil, fmt.Errorf("it cannot be opened: %w", err)
	}
	return in, nil
}
