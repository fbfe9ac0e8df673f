package jet

import (
	"context"
	"slices"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
)

// PutRole stores what a role says of itself.
func (b *Bus) PutRole(ctx context.Context, s events.RoleState) error {
	return b.PutRoles(ctx, []events.RoleState{s})
}

// PutRoles stores what the roles of a process say of themselves, all in one commit.
func (b *Bus) PutRoles(ctx context.Context, all []events.RoleState) error {
	msgs := make([]message, len(all))
	for i, s := range all {
		if msgs[i] = briefly(roleSubject(s.Role, s.Instance), s); s.Holds {
			msgs[i] = b.own(msgs[i].Subject, s)
		}
	}
	_, err := b.commit(ctx, streamState, msgs...)
	return err
}

// HeardRoles is what the roles said of themselves within the last hour, and when each was
// there last. What is of another version is left out. A role is what the subject says, which
// only that role may write to.
func (b *Bus) HeardRoles(ctx context.Context) (all []events.HeardRole, err error) {
	holds := false
	err = b.Roles().LastEach(ctx, func(m Entry[events.RoleState]) {
		s, err := m.Value()
		if sub, fault := parseSubject(m.Subject); err == nil && fault == nil && sub.Rest == s.Role+"."+s.Instance {
			all, holds = append(all, events.HeardRole{RoleState: s, At: m.Time}), holds || s.Holds
		}
	})
	if err != nil || !holds {
		return all, err
	}
	if b.clustered() { // who had the only store was there before the cluster
		return slices.DeleteFunc(all, func(h events.HeardRole) bool { return h.Holds }), nil
	}
	now, err := b.StoreTime(ctx)
	events.StillThere(all, now)
	return all, err
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
