package events

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Role is what a token may do.
type Role string

const (
	Admin    Role = "admin"    // everything: the jobs of every user, and the tokens
	Operator Role = "operator" // the jobs and runs of its owner
	Viewer   Role = "viewer"   // read what its owner has
)

// CheckRole refuses what is no role.
func CheckRole(field string, r Role) error {
	switch r {
	case Admin, Operator, Viewer:
		return nil
	case "":
		return Faultf(Invalid, field, "is required: admin, operator or viewer")
	default:
		return Faultf(Invalid, field, "%q is not one of admin, operator, viewer", r)
	}
}

// maxNote is how many characters the note of a token has at most.
const maxNote = 200

// CheckNote refuses a note that would not be one line.
func CheckNote(field, note string) error {
	if utf8.RuneCountInString(note) > maxNote || strings.ContainsFunc(note, unicode.IsControl) {
		return Faultf(Invalid, field, "must be one line of at most %d characters", maxNote)
	}
	return nil
}

// MayWrite reports whether a token of the role may change jobs and files and start
// runs. What tokens of others than administrators start needs the sandbox whole.
func (r Role) MayWrite() bool { return r == Admin || r == Operator }

// TokenKind says how a token counts.
type TokenKind string

const (
	PlainToken   TokenKind = "token"   // behind Bearer, wherever there is an API
	SessionToken TokenKind = "session" // in the cookie of a browser, and in the native API alone
)

// Token is an API token as it is stored: without its secret.
type Token struct {
	ID      string    `json:"id"`
	Hash    string    `json:"hash"` // SHA-256 of the whole token, hex
	Owner   string    `json:"owner"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Paths   []string  `json:"paths,omitzero"` // what it reaches on the drives; nil = everything: of administrators, and of tokens from before there were paths

	Note     string    `json:"note,omitzero"`      // what it is for, in words
	MadeBy   string    `json:"made_by,omitzero"`   // who made it; empty = not known
	LastUsed time.Time `json:"last_used,omitzero"` // to the hour; zero = not since that is recorded
	Kind     TokenKind `json:"kind,omitzero"`      // empty = [PlainToken]
	Parent   string    `json:"parent,omitzero"`    // of a session: the id of the token that it was exchanged for, with which it ends
}

// KindOf is the kind of the token.
func (t Token) KindOf() TokenKind { return cmp.Or(t.Kind, PlainToken) }

// NewToken makes a token; its text is shown to its owner and stored nowhere.
func NewToken(owner string, role Role, now time.Time) (Token, string) {
	raw := make([]byte, 36)
	rand.Read(raw) //nolint:errcheck // never fails
	id := hex.EncodeToString(raw[:4])
	text := "spool_" + id + "_" + base64.RawURLEncoding.EncodeToString(raw[4:])
	return TokenOf(text, owner, role, now), text
}

// TokenOf is the stored form of a token whose text is known.
func TokenOf(text, owner string, role Role, now time.Time) Token {
	return Token{ID: TokenID(text), Hash: hashOf(text), Owner: owner, Role: role, Created: now.UTC()}
}

// TokenID is the id of the token that a text is, "" when it has not the form of one.
func TokenID(text string) string {
	parts := strings.SplitN(text, "_", 3)
	if len(parts) != 3 || parts[0] != "spool" {
		return ""
	}
	return parts[1]
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Matches reports whether a text is this token, in the same time whatever the text.
func (t Token) Matches(text string) bool {
	return subtle.ConstantTimeCompare([]byte(t.Hash), []byte(hashOf(text))) == 1
}

// Expired reports whether the token has ended by itself.
func (t Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// Access is what the token reaches on the drives.
func (t Token) Access() Access { return Access{All: t.Role == Admin || t.Paths == nil, Paths: t.Paths} }

// MaySee reports whether what belongs to a user exists for the holder of the token.
// What belongs to nobody ("") exists for administrators alone.
func (t Token) MaySee(owner string) bool {
	return t.Role == Admin || owner != "" && owner == t.Owner
}

// MayWrite says why a token may only read: the error is of code Forbidden.
func (t Token) MayWrite() error {
	if t.Role.MayWrite() {
		return nil
	}
	return Faultf(Forbidden, "", "this token may only read: use one of role operator or admin")
}

// MayAdminister says why a token may not do what administrators do.
func (t Token) MayAdminister() error {
	if t.Role == Admin {
		return nil
	}
	return Faultf(Forbidden, "", "only administrators may do this: use a token of role admin")
}

// OwnerFor reads whose things a request is about: those of the token's owner unless
// username names another user, which is for administrators; "*", and the answer "",
// are everybody's.
func (t Token) OwnerFor(username string) (owner string, err error) {
	switch {
	case username == "" || username == t.Owner:
		return t.Owner, nil
	case t.Role != Admin:
		return "", Faultf(Forbidden, "username", "only administrators may name another user")
	case username == "*":
		return "", nil
	default:
		return username, nil
	}
}
