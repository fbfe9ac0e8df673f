package broker

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// A server that is well is not called unwell because the machine is busy: what it
// says of itself depends on a millisecond.
func TestABusyMachineIsNotAFault(t *testing.T) {
	t.Parallel()
	late := []server.HealthzError{{Error: "failed to be ready for connections after 1ms: startup did not complete"}}
	bad := []server.HealthzError{{Stream: "JOBS", Error: "JetStream stream 'JOBS' write error: no space"}}
	for name, c := range map[string]struct {
		said [][]server.HealthzError
		want int
	}{
		"well":                       {[][]server.HealthzError{nil}, 0},
		"late, then well":            {[][]server.HealthzError{late, late, nil}, 0},
		"late, then a stream is bad": {[][]server.HealthzError{late, bad}, 1},
		"late for good":              {[][]server.HealthzError{late}, 1},
	} {
		asked := 0
		found := health(func() []server.HealthzError {
			said := c.said[min(asked, len(c.said)-1)]
			asked++
			return said
		})
		if len(found) != c.want {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
