package jet

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
)

// PutRole stores what a role says of itself.
func (b *Bus) PutRole(ctx context.Context, s events.RoleState) error {
	_, err := view[events.RoleState](b, streamState, roleSubject(s.Role, s.Instance)).Put(ctx, s)
	return err
}

// Roles is what the roles said of themselves within the last hour.
func (b *Bus) Roles() View[events.RoleState] {
	return view[events.RoleState](b, streamState, allRolesFilter)
}

// StreamState is how full a stream is.
type StreamState struct {
	Name     string
	Messages uint64
	Bytes    int64
	Limit    int64 // bytes that it may hold; below 1 = any
	Refuses  bool  // when it is full it takes nothing more; else it forgets the oldest
	Replicas int
	Lost     int    // of them that are away or behind
	Cluster  string // the cluster that keeps it; empty = a server that is alone
	Leader   string // the server in it that leads the stream; empty when none does
}

// StreamStates asks all streams at once how full they are, and gives the answers in the
// order of [Streams]. One that does not answer is left out, and named with its error.
func (b *Bus) StreamStates(ctx context.Context) (all []StreamState, faults map[string]error) {
	names := Streams()
	states, errs := make([]StreamState, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			info, err := b.info(ctx, name, questionAlone)
			if errs[i] = err; err == nil {
				states[i] = howFull(info)
				if b.health.cutOff(name) {
					states[i].Leader = "" // who says that it leads is alone
				}
			}
		})
	}
	wg.Wait()
	faults = map[string]error{}
	for i, err := range errs {
		if err != nil {
			faults[names[i]] = err
			continue
		}
		all = append(all, states[i])
	}
	return all, faults
}

func howFull(info *jetstream.StreamInfo) StreamState {
	s := StreamState{
		Name: info.Config.Name, Messages: info.State.Msgs, Bytes: int64(info.State.Bytes), Limit: boundOf(info.Config),
		Refuses: info.Config.Discard == jetstream.DiscardNew, Replicas: info.Config.Replicas,
	}
	if info.Cluster != nil {
		s.Cluster, s.Leader = info.Cluster.Name, info.Cluster.Leader
		for _, peer := range info.Cluster.Replicas {
			if peer.Offline || !peer.Current {
				s.Lost++
			}
		}
	}
	return s
}

// ServerState is the NATS server that a bus is connected to.
type ServerState struct{ Name, Version, Cluster, Address string }

// ServerState says which server this is.
func (b *Bus) ServerState() ServerState {
	return ServerState{b.nc.ConnectedServerName(), b.nc.ConnectedServerVersion(), b.nc.ConnectedClusterName(), b.nc.ConnectedUrlRedacted()}
}
