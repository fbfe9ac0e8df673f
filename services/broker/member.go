package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/daemon"
)

// replicas of each stream in a cluster, however many machines it has.
const replicas = 3

// How machines watch each other. A machine that is cut off without a word is noticed after a few
// pings, and connected to again as soon as it is back, not when TCP sees fit.
const (
	routePing  = 3 * time.Second
	routePings = 3
	routeTLS   = 5 * time.Second // on a busy machine, too
)

// member makes the server one of the bundle's cluster.
func member(opts *server.Options, b *cluster.Bundle) error {
	secured, err := b.TLS()
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	host, port, err := net.SplitHostPort(b.Address())
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	opts.ServerName = b.Machine
	opts.Routes = routes(b)
	opts.Cluster = server.ClusterOpts{
		Name: b.NATSName(), Host: listenHost(host), Port: number, Advertise: b.Address(),
		TLSConfig: secured, TLSTimeout: routeTLS.Seconds(), PingInterval: routePing, MaxPingsOut: routePings,
	}
	return nil
}

// routes are where the other machines are.
func routes(b *cluster.Bundle) (all []*url.URL) {
	for _, m := range b.Machines {
		if m.Name != b.Machine {
			all = append(all, &url.URL{Scheme: "nats-route", Host: m.Address})
		}
	}
	return all
}

// listenHost is the address that the others are told, where it is one of this machine; else, behind a
// name or a translated address, all of them.
func listenHost(host string) string {
	ip := net.ParseIP(host)
	if ip == nil {
		return "0.0.0.0"
	}
	if ip.IsLoopback() {
		return host
	}
	own, err := net.InterfaceAddrs()
	if err == nil && slices.ContainsFunc(own, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(ip)
	}) {
		return host
	}
	return "0.0.0.0"
}

// checkRoutes tries the port at which the others reach this machine: the server would only log that it
// is taken, and end the process.
func checkRoutes(b *cluster.Bundle) error {
	host, port, err := net.SplitHostPort(b.Address())
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	l, err := daemon.Listen(net.JoinHostPort(listenHost(host), port))
	if err != nil {
		return fmt.Errorf("bundle: the address of %s: %w", b.Machine, err)
	}
	return l.Close()
}

// startRoutes lets the server connect to the others. A server that does not listen for clients waits
// for that in Start, with a goroutine that stays; the one here ends in its place.
func startRoutes(srv *server.Server) {
	ready := make(chan struct{})
	close(ready)
	srv.StartRouting(ready)
}

// gather waits until the streams of the cluster are there. Only the leader of the machines makes them:
// three that do it at once get in each other's way for half a minute.
func (b *Broker) gather(ctx context.Context, bus *jet.Bus) error {
	said := ""
	say := func(why string) {
		b.waits(why)
		if why != said {
			b.cfg.Log.Info("waiting for the cluster", "why", why)
			said = why
		}
	}
	for ctx.Err() == nil {
		if restoring := b.restoring(ctx); b.leads() && !restoring {
			err := b.ensureAs(ctx, bus)
			if err == nil {
				b.waits("")
				return nil
			}
			say(b.whyWaits(false, err))
		} else {
			say(b.whyWaits(restoring, nil))
			// Before there is a leader nobody answers, and a question waits for long.
			if b.srv.now().JetStreamIsCurrent() && b.awaitAs(ctx, bus) == nil {
				b.waits("")
				return nil
			}
		}
		_ = wait.Sleep(ctx, 50*time.Millisecond)
	}
	return fmt.Errorf("wait for the cluster: %w", context.Cause(ctx))
}

// leads reports whether this machine is the one that makes streams.
func (b *Broker) leads() bool {
	srv := b.srv.now()
	return srv.JetStreamIsCurrent() && srv.JetStreamIsLeader()
}

// ensureAs makes the streams, as the leader. It ends when this machine leads no more.
func (b *Broker) ensureAs(ctx context.Context, bus *jet.Bus) error {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return bus.Ensure(limited, jet.Topology{Store: b.cfg.MaxStore, Replicas: replicas, ResultsPerJob: b.cfg.ResultsPerJob})
}

// awaitAs waits for the streams that the leader makes, and gives up when that is this machine.
func (b *Broker) awaitAs(ctx context.Context, bus *jet.Bus) error {
	awaiting, cancel := context.WithCancel(ctx)
	defer cancel()
	led := make(chan struct{})
	go func() { // ends with awaiting
		defer close(led)
		for wait.Sleep(awaiting, 50*time.Millisecond) == nil {
			if b.leads() && !b.restoring(awaiting) {
				cancel()
			}
		}
	}()
	err := bus.Await(awaiting)
	cancel()
	<-led
	return err
}

// whyWaits says what a start waits for.
func (b *Broker) whyWaits(restoring bool, err error) string {
	var why []string
	if away := b.away(); len(away) > 0 {
		why = append(why, "not connected to "+strings.Join(away, ", "))
	}
	switch {
	case restoring:
		why = append(why, "waits for spool restore")
	case err != nil && !errors.Is(err, context.Canceled):
		why = append(why, "the streams cannot be made yet ("+err.Error()+")")
	case len(why) == 0:
		why = append(why, "the leader makes the streams")
	}
	return strings.Join(why, "; ")
}

// restoring reports that the cluster was made for spool restore, and that it has not come to its end: what
// is restored last, the tokens, is not there, or is marked as not compared yet.
func (b *Broker) restoring(ctx context.Context) bool {
	if !b.cfg.Bundle.Restore || b.restored.Load() {
		return false
	}
	var answer server.JSApiStreamInfoResponse
	if b.ask(ctx, "STREAM.INFO."+jet.TokensStream, nil, &answer) != nil {
		return true
	}
	m, err := jet.MarksIn(answer.Config.Metadata)
	b.restored.Store(err == nil && !m.Restoring)
	return !b.restored.Load()
}

// Minority names the machines that this one is not connected to, when the others and it are no majority:
// then nothing can be stored. Else it names none.
func (b *Broker) Minority() []string {
	away := b.away()
	if b.cfg.Bundle == nil || 2*len(away) < len(b.bundle.Load().Names()) {
		return nil
	}
	return away
}

// away names the machines that this one is not connected to.
func (b *Broker) away() (names []string) {
	if b.cfg.Bundle == nil {
		return nil
	}
	names = slices.DeleteFunc(b.bundle.Load().Names(), func(name string) bool { return name == b.cfg.Bundle.Machine })
	all, err := b.srv.now().Routez(&server.RoutezOptions{})
	if err != nil {
		return names
	}
	for _, r := range all.Routes {
		names = slices.DeleteFunc(names, func(name string) bool { return name == r.RemoteName })
	}
	return names
}

// noteAway notes since when machines are away.
func (b *Broker) noteAway(now time.Time) {
	since := map[string]time.Time{}
	had := b.gone.Load()
	for _, name := range b.away() {
		since[name] = now.UTC()
		if had != nil && !(*had)[name].IsZero() {
			since[name] = (*had)[name]
		}
	}
	b.gone.Store(&since)
}

// Notes say which machines of the cluster are away, since when, and what to do.
func (b *Broker) Notes() (notes []string) {
	gone := b.gone.Load()
	if gone == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(*gone)) {
		notes = append(notes, fmt.Sprintf("%s is away since %s: start it; if it is lost for good, spool cluster remove and add another", name, (*gone)[name].Format(time.RFC3339)))
	}
	return notes
}

// waits tells who started the broker what the start waits for; empty = for nothing any more.
func (b *Broker) waits(why string) {
	if b.cfg.Waits != nil {
		b.cfg.Waits(why)
	}
}
