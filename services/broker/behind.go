package broker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// behind says what this machine lacks of what the other machines of its cluster have; nothing when it is
// as they are, or alone.
func (b *Broker) behind() (found []string) {
	srv := b.srv.now()
	if b.cfg.Bundle == nil || !srv.Running() || !srv.JetStreamEnabled() {
		return nil
	}
	for _, e := range health(func() []server.HealthzError {
		return srv.Healthz(&server.HealthzOptions{Account: b.accounts.home, Details: true}).Errors
	}) {
		if strings.Contains(e.Error, "write error: ") {
			continue // a fault of its store
		}
		if strings.Contains(e.Error, "group node missing") && b.holdsAlone(e.Stream) {
			continue // after a rescue, until others have joined: nothing to be behind of
		}
		found = append(found, behindOf(e))
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// behindOf says it in the words of people. The server's own follow, which change with its version.
func behindOf(e server.HealthzError) string {
	why := e.Error[strings.LastIndex(e.Error, ": ")+1:]
	switch {
	case e.Stream != "" && strings.Contains(e.Error, "group node unhealthy"):
		return e.Stream + " is not current on this machine (it is fetched from the others)"
	case e.Stream != "":
		return fmt.Sprintf("%s is not current on this machine (%s)", e.Stream, strings.TrimSpace(why))
	case strings.Contains(e.Error, "contact with a meta leader"):
		return "the cluster has no leader: a majority of its machines must run and reach each other"
	}
	return "this machine is not current (" + e.Error + ")"
}

// holdsAlone reports whether the only copy of a stream is on this machine, and led by it.
func (b *Broker) holdsAlone(stream string) bool {
	srv := b.srv.now()
	account, err := srv.JszAccount(&server.JSzOptions{Account: b.accounts.home, Streams: true})
	if err != nil {
		return false
	}
	return slices.ContainsFunc(account.Streams, func(s server.StreamDetail) bool {
		return s.Name == stream && s.Cluster != nil && s.Cluster.Leader == srv.Name() && len(s.Cluster.Replicas) == 0
	})
}
