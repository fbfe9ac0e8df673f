//go:build faults

package broker

import (
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/eventstest"
	"spool.internal/events/faultpoint"
)

// slowDisk slows the server's store as SPOOL_FAULT says.
func slowDisk(opts *server.Options) func(*server.Server) {
	each, until := faultpoint.Disk()
	if each == 0 {
		return func(*server.Server) {}
	}
	eventstest.FewAccesses(opts)
	return func(srv *server.Server) {
		stop := eventstest.SlowDisk(srv, each)
		if until > 0 {
			time.AfterFunc(until, stop)
		}
	}
}
