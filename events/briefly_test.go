package events_test

import (
	"testing"

	"spool.internal/events"
)

func TestBriefly(t *testing.T) {
	for message, want := range map[string]string{
		"": "", "exit status 3": "exit status 3", "exit status 3: table locked\n": "exit status 3: table locked",
		"exit status 3: reading orders.csv\nline 16 is fine\nline 17: the price is missing\n": "exit status 3: line 17: the price is missing",
		"killed\nthe last": "killed: the last",
	} {
		if got := events.Briefly(message); got != want {
			t.Errorf("%q is %q, want %q", message, got, want)
		}
	}
}
