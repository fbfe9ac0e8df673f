package events

import (
	"encoding/base64"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// MarkList is files of a job that somebody was shown and may mark as run. It lasts
// for as long as [StreamState] keeps it.
type MarkList struct {
	JobID string       `json:"job_id"`
	By    string       `json:"by"`
	At    time.Time    `json:"at"`
	Files []MarkedFile `json:"files"`
}

// MarkedFile is one of them: what lay at its path when it was shown.
type MarkedFile struct {
	Path        string `json:"path"` // see [File.Path]
	PathB64     string `json:"path_b64,omitempty"`
	Fingerprint string `json:"fingerprint"`
}

// RawPath gives the exact bytes of the path.
func (m MarkedFile) RawPath() string { return (&File{Path: m.Path, PathB64: m.PathB64}).RawPath() }

// Size is about what the list holds of it, in bytes.
func (m MarkedFile) Size() int { return len(m.Path) + len(m.PathB64) + len(m.Fingerprint) + 48 }

// EncodePath is the contrary of [DecodePath].
func EncodePath(path string) string { return base64.StdEncoding.EncodeToString([]byte(path)) }

// DecodePath gives the exact bytes of a path that is sent in base64.
func DecodePath(field, text string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", Faultf(Invalid, field, "is not base64")
	}
	return string(raw), nil
}

// CheckPattern refuses a pattern for files that is none, or can match nothing below
// a folder.
func CheckPattern(field, pattern string, recursive bool) error {
	if !doublestar.ValidatePattern(pattern) {
		return Faultf(Invalid, field, "%q is not a pattern: *, ?, [a-z], {a,b} and, with a slash, ** are known", pattern)
	}
	if fault := neverMatches(pattern, recursive); fault != "" {
		return Faultf(Invalid, field, "%q can never match: %s", pattern, fault)
	}
	return nil
}

// Matches reports whether a path below a folder is meant by a pattern: with a slash
// it is held against all of the path, else against its last name.
func Matches(pattern, rel string) bool { return matchAny([]string{pattern}, rel) }
