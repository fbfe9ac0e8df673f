package broker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/wait"
)

// A machine that comes back leads nothing, so that those which stayed do all the work, and the next that
// is lost stops more than its share. So the leader hands some of the leading on, one by one, once the
// machines have been whole for a while: each costs a moment.
const (
	spreadAfter = 15 * time.Second
	spreadEvery = 5 * time.Second
	unevenBy    = 2 // fewer is not worth a moment
	handedOn    = 3 // at once
)

// lead does what the leader of the machines has to do, until ctx ends: it brings the streams up to date
// whenever it has become the leader, since after an upgrade of all machines, one by one, the last of them
// may never lead while it starts; and it has all machines lead about as much.
func (b *Broker) lead(ctx context.Context) {
	var looked, whole time.Time // since when all is whole; zero = it is not
	for led := !b.restoring(ctx); wait.Sleep(ctx, time.Second) == nil; {
		b.noteAway(time.Now())
		leads := b.leads()
		if leads && !led {
			if err := b.ensureAs(ctx, b.own); err != nil {
				if ctx.Err() == nil {
					b.cfg.Log.Warn("this machine leads the cluster and cannot bring the streams up to date yet", "error", err.Error())
				}
				continue
			}
		}
		led = leads
		if !leads || len(b.away()) > 0 {
			whole = time.Time{}
		} else if time.Since(looked) > spreadEvery {
			looked, whole = time.Now(), b.spread(ctx, whole)
		}
	}
}

// spread has all machines lead about as much, once everything has been whole since a while ago. It gives
// since when it is.
func (b *Broker) spread(ctx context.Context, since time.Time) time.Time {
	all := b.assets(ctx)
	if !all.whole(b.bundle.Load().Names()) {
		return time.Time{}
	}
	if since.IsZero() {
		return time.Now()
	}
	if time.Since(since) > spreadAfter {
		for range handedOn {
			m, found := all.next(b.bundle.Load().Names())
			if !found || !b.handOn(ctx, m) {
				break
			}
			m.cluster.Leader = m.to // as all is about to be
		}
	}
	return since
}

// asset is a stream or a consumer, and who has it.
type asset struct {
	stream, consumer string // consumer "" = the stream
	cluster          *server.ClusterInfo
}

type assets []asset

// assets are all streams and their consumers; nil when they cannot be told.
func (b *Broker) assets(ctx context.Context) (all assets) {
	var streams server.JSApiStreamListResponse
	if b.ask(ctx, "STREAM.LIST", nil, &streams) != nil {
		return nil
	}
	for _, s := range streams.Streams {
		all = append(all, asset{s.Config.Name, "", s.Cluster})
		var consumers server.JSApiConsumerListResponse
		if s.State.Consumers == 0 || b.ask(ctx, "CONSUMER.LIST."+s.Config.Name, nil, &consumers) != nil {
			continue
		}
		for _, c := range consumers.Consumers { // the first page is enough to be even by
			if c.Config.Replicas == 1 {
				continue
			}
			all = append(all, asset{s.Config.Name, c.Name, c.Cluster})
		}
	}
	return all
}

// ask asks JetStream, in the account that has the streams.
func (b *Broker) ask(ctx context.Context, request string, body []byte, answer any) error {
	limited, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return askAPI(limited, b.guard.nc, request, body, answer)
}

// whole reports that every copy of everything is current, and who has it is one of the machines.
func (all assets) whole(machines []string) bool {
	for _, a := range all {
		if a.cluster == nil || !slices.Contains(machines, a.cluster.Leader) {
			return false
		}
		for _, r := range a.cluster.Replicas {
			if !r.Current || r.Offline {
				return false
			}
		}
	}
	return len(all) > 0
}

// move is whom something is handed on to.
type move struct {
	asset
	to string
}

// next is what is to be handed on so that all lead about as much: streams first, then consumers.
func (all assets) next(machines []string) (move, bool) {
	for _, consumers := range []bool{false, true} {
		led := map[string]int{}
		for _, a := range all {
			if (a.consumer != "") == consumers {
				led[a.cluster.Leader]++
			}
		}
		by := slices.SortedStableFunc(slices.Values(machines), func(x, y string) int { return cmp.Compare(led[y], led[x]) })
		most, fewest := by[0], by[len(by)-1]
		if led[most]-led[fewest] < unevenBy {
			continue
		}
		for _, a := range all {
			if (a.consumer != "") == consumers && a.cluster.Leader == most && a.on(fewest) {
				return move{a, fewest}, true
			}
		}
	}
	return move{}, false
}

// on reports whether a machine has a copy.
func (a asset) on(machine string) bool {
	return slices.ContainsFunc(a.cluster.Replicas, func(r *server.PeerInfo) bool { return r.Name == machine })
}

// handOn has one machine lead what another led.
func (b *Broker) handOn(ctx context.Context, m move) bool {
	request := "STREAM.LEADER.STEPDOWN." + m.stream
	if m.consumer != "" {
		request = "CONSUMER.LEADER.STEPDOWN." + m.stream + "." + m.consumer
	}
	var done server.ApiResponse
	if err := b.ask(ctx, request, fmt.Appendf(nil, `{"placement":{"preferred":%q}}`, m.to), &done); err != nil {
		b.cfg.Log.Debug("nothing was handed on", "stream", m.stream, "consumer", m.consumer, "to", m.to, "error", err.Error())
		return false
	}
	b.cfg.Log.Debug("another machine leads", "stream", m.stream, "consumer", m.consumer, "from", m.cluster.Leader, "to", m.to)
	return true
}

// stepDownFor is how long a stop waits until others lead what this machine led.
const stepDownFor = 1500 * time.Millisecond

// stepDown hands on whatever this machine leads, before it stops: an election after its end takes seconds.
func (b *Broker) stepDown(ctx context.Context) {
	if b.cfg.Bundle == nil || b.guard == nil || !b.srv.now().Running() {
		return
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, stepDownFor)
	defer cancel()
	first := 0
	for {
		n := b.stepDownAll()
		first = max(first, n)
		if n == 0 || wait.Sleep(ctx, 50*time.Millisecond) != nil {
			b.cfg.Log.Info("others lead what this machine led", "streams_and_consumers", first-n, "kept", n, "took", time.Since(began).Round(time.Millisecond).String())
			return
		}
	}
}

// stepDownAll asks for another leader of each stream and consumer that this machine leads, and of the
// machines, and counts them.
func (b *Broker) stepDownAll() (n int) {
	srv, home := b.srv.now(), b.accounts.home
	account, err := srv.JszAccount(&server.JSzOptions{Account: home, Streams: true, Consumer: true})
	if err != nil {
		return 0
	}
	for _, s := range account.Streams {
		for _, c := range s.Consumer {
			if srv.JetStreamIsConsumerLeader(home, s.Name, c.Name) && c.Cluster != nil && len(c.Cluster.Replicas) > 0 {
				_ = srv.JetStreamStepdownConsumer(home, s.Name, c.Name) // it is asked again
				n++
			}
		}
		if srv.JetStreamIsStreamLeader(home, s.Name) && s.Cluster != nil && len(s.Cluster.Replicas) > 0 {
			_ = srv.JetStreamStepdownStream(home, s.Name) // it is asked again
			n++
		}
	}
	if srv.JetStreamIsLeader() {
		b.stepDownMeta()
		n++
	}
	return n
}
