package events

import "time"

// SessionLength is how long a session lasts at most.
const SessionLength = 12 * time.Hour

// MaxSessions is how many sessions a token has at a time.
const MaxSessions = 50

// NewSession exchanges a token for a session: with the same owner, role and paths, and
// with an end. Its text is for a cookie alone.
func (t Token) NewSession(now time.Time) (Token, string) {
	s, text := NewToken(t.Owner, t.Role, now)
	s.Kind, s.Parent, s.MadeBy, s.Paths = SessionToken, t.ID, t.Owner, t.Paths
	s.Expires = now.Add(SessionLength).UTC()
	if !t.Expires.IsZero() && t.Expires.Before(s.Expires) {
		s.Expires = t.Expires
	}
	return s, text
}

// MayEnd says why the holder of a token may not end a session that it may see: who may
// only read ends the sessions of its own token. The error is of code Forbidden.
func (t Token) MayEnd(session Token) error {
	if t.Role.MayWrite() || session.ID == t.ID || session.Parent == t.ID || t.Parent != "" && session.Parent == t.Parent {
		return nil
	}
	return Faultf(Forbidden, "id", "is a session of another token, and this one may only read: use one of role operator or admin")
}
