//go:build !faults

package broker

import "github.com/nats-io/nats-server/v2/server"

func slowDisk(*server.Options) func(*server.Server) { return func(*server.Server) {} }
