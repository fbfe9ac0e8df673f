package main

import (
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// A code is good once, for ten minutes, on this machine, and not for who guesses.
func TestLoginCode(t *testing.T) {
	now := time.Now()
	redeem := func(c *loginCode, code string, here bool, at time.Time) string {
		t.Helper()
		token, err := c.redeem(code, here, at)
		if (err == nil) != (token != "") || err != nil && events.CodeOf(err) != events.Unauthorized {
			t.Fatalf("%q, %v", token, err)
		}
		return token
	}
	var c loginCode
	if redeem(&c, "", true, now) != "" {
		t.Error("where there is no code, no code is one")
	}
	code := c.issue("secret", now)
	if len(code) != 43 || strings.Contains(code, "secret") {
		t.Errorf("the code is %q", code)
	}
	if redeem(&c, code+"x", true, now) != "" || redeem(&c, "", true, now) != "" || redeem(&c, code, false, now) != "" || redeem(&c, code, true, now.Add(codeLife)) != "" {
		t.Error("a wrong code, another machine, or ten minutes later: let in")
	}
	if redeem(&c, code, true, now.Add(codeLife-time.Second)) != "secret" {
		t.Error("the code is good for nothing")
	}
	if redeem(&c, code, true, now) != "" {
		t.Error("the code is good twice")
	}
	code = c.issue("secret", now)
	for range codeTries {
		redeem(&c, "guess", true, now)
	}
	if redeem(&c, code, true, now) != "" {
		t.Error("it is guessed for ever")
	}
	for address, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "127.9.9.9:80": true, "10.0.0.1:1": false, "[::]:1": false, "0.0.0.0:1": false, "localhost:1": false, "": false} {
		if isLoopback(address) != want {
			t.Errorf("%q is loopback: %v", address, !want)
		}
	}
}
