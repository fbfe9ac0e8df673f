package events

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxOwner is how long the name of a user may be, in bytes.
const maxOwner = 128

// CheckOwner refuses a name that no new user may have. Names that were stored
// before a rule came stay. An owner's name begins the paths of the owner's
// drives, and two names that look the same would be two users.
func CheckOwner(field, name string) error {
	switch {
	case name == "":
		return Faultf(Invalid, field, "is required: the user that the token speaks for")
	case len(name) > maxOwner:
		return Faultf(Invalid, field, "is longer than %d bytes", maxOwner)
	case name == "*":
		return Faultf(Invalid, field, "* stands for all users and can name none")
	case name == ".", name == "..":
		return Faultf(Invalid, field, "%q stands for a folder and can name no user", name)
	case strings.Contains(name, "/"):
		return Faultf(Invalid, field, "contains a slash: the name is one folder of the paths of the user's drives")
	case strings.TrimSpace(name) != name:
		return Faultf(Invalid, field, "%q begins or ends with a space: leave it out", name)
	}
	for _, c := range name {
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			return Faultf(Invalid, field, "contains %q, which cannot be read", c)
		}
	}
	if composed := norm.NFC.String(name); composed != name {
		return Faultf(Invalid, field, "%+q is not in the composed form of Unicode (NFC): write it as %+q", name, composed)
	}
	return nil
}
