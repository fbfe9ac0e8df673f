package wire

import (
	"net/http"
	"slices"
	"strings"

	"spool.internal/events"
)

// Bearer takes the token out of the header Authorization, the one place where it is
// neither logged nor remembered by proxies and browsers. The error is of code
// Unauthorized.
func Bearer(r *http.Request) (string, error) {
	if err := NoTokenInURL(r); err != nil {
		return "", err
	}
	lines := r.Header.Values("Authorization")
	if len(lines) != 1 {
		return "", events.Faultf(events.Unauthorized, "", "send one header Authorization: Bearer <token>")
	}
	scheme, text, _ := strings.Cut(lines[0], " ")
	if text = strings.TrimSpace(text); !strings.EqualFold(scheme, "Bearer") || text == "" {
		return "", events.Faultf(events.Unauthorized, "", "the header Authorization must be: Bearer <token>")
	}
	return text, nil
}

// NoTokenInURL refuses a token where logs would keep it.
func NoTokenInURL(r *http.Request) error {
	query := r.URL.Query()
	if slices.ContainsFunc([]string{"token", "access_token", "auth_token"}, query.Has) {
		return events.Faultf(events.Unauthorized, "", "a token in the URL is refused, for URLs end up in logs: send it as Authorization: Bearer <token>")
	}
	return nil
}
