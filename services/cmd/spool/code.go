package main

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"spool.internal/events"
)

// codeLife is how long a code to log in with is good.
const codeLife = 10 * time.Minute

// codeTries is how many wrong codes are heard before the right one is worth nothing.
const codeTries = 10

// loginCode is a code that the demo prints and that logs one browser in, once, on this
// machine: a newcomer need not look for the token. The zero value is one that is used.
type loginCode struct {
	mu    sync.Mutex
	sum   [sha256.Size]byte
	token string // that it stands for; empty: there is no code
	ends  time.Time
	tries int
}

// issue makes the code.
func (c *loginCode) issue(token string, now time.Time) string {
	raw := make([]byte, 32)
	rand.Read(raw) //nolint:errcheck // never fails
	code := base64.RawURLEncoding.EncodeToString(raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum, c.token, c.ends, c.tries = sha256.Sum256([]byte(code)), token, now.Add(codeLife), codeTries
	return code
}

// Redeem gives the token that a code stands for, once. Only a browser on this machine has
// any use for it.
func (c *loginCode) Redeem(r *http.Request, code string) (token string, err error) {
	return c.redeem(code, isLoopback(r.RemoteAddr), time.Now())
}

func (c *loginCode) redeem(code string, here bool, now time.Time) (token string, err error) {
	bad := events.Faultf(events.Unauthorized, "token", "this link was used before, or is older than 10 minutes: enter the token, or start the demo again")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == "" || !here || !now.Before(c.ends) {
		return "", bad
	}
	if sum := sha256.Sum256([]byte(code)); subtle.ConstantTimeCompare(sum[:], c.sum[:]) != 1 {
		if c.tries--; c.tries <= 0 {
			c.token = ""
		}
		return "", bad
	}
	token, c.token = c.token, ""
	return token, nil
}

// isLoopback reports that an address is one that only this machine has.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// isTerminal reports that somebody sees what is written to w.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
