package events

import (
	"crypto/sha256"
	"encoding/hex"
)

// NoJob stands for the job in the subject of a run that no job asked for.
const NoJob = "none"

// IsToken reports whether a text that is not ours, as the id that an endpoint
// gives a run, can stand in a subject as it is.
func IsToken(s string) bool {
	for _, c := range s {
		if c <= ' ' || c > '~' || c == '.' || c == '*' || c == '>' {
			return false
		}
	}
	return s != ""
}

// Hash is how text of users and of the file system enters a subject: 128 bits of SHA-256, in hex.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
