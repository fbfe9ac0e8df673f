package jet

import (
	"time"

	"spool.internal/events"
)

// Valid says why what somebody with a token has begun may not go on: of code Unauthorized
// when the token does not count any more, and Unavailable while nobody can tell.
func (k *Keyring) Valid(id string, now time.Time) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if err := k.unproven(); err != nil {
		return err
	}
	t, ok := k.tokens[id]
	if !ok {
		return &events.Error{Code: events.Unauthorized, Message: "the token is not valid"}
	}
	return k.ended(t, now)
}
