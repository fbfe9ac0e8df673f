package dispatcher

import (
	"testing"

	"spool.internal/events"
)

// Tokens of jobs travel in clear to nobody but this machine.
func TestEndpointInClear(t *testing.T) {
	for url, refused := range map[string]bool{
		"http://127.0.0.1:1/x": false, "http://127.9.9.9/x": false, "http://localhost/x": false, "http://[::1]:8/x": false, "http://[::ffff:127.0.0.1]/x": false,
		"https://ib.example.com/x": false, "http://ib.example.com/x": true, "http://10.0.0.1/x": true, "http://localhost.example.com/x": true,
		"http://127.0.0.1.example.com/x": true, "http://127.0.0.1@ib.example.com/x": true, "http://0.0.0.0/x": true, "http://[2001:db8::1]/x": true,
	} {
		for _, allowed := range []bool{false, true} {
			err := Config{RunBinaryURL: url, InsecureEndpoint: allowed}.withDefaults().Validate()
			if (err != nil) != (refused && !allowed) || err != nil && events.CodeOf(err) != events.Invalid {
				t.Errorf("%s, allowed %v: %v", url, allowed, err)
			}
		}
	}
}
