package jet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events/wait"
)

// A leader that is cut off from the other replicas goes on answering reads for up to
// 20 s, and takes writes of which nothing comes. But it says how long it has not heard
// from them, and that is asked in a cluster, for each stream that is needed: as soon as
// the answer can be another one.
const (
	quorumPatience = 3500 * time.Millisecond // replicas say something every second, and leaders are elected after 4 s
	quorumEvery    = 2 * time.Second
	quorumSoon     = 250 * time.Millisecond // while something is wrong
	quorumAnswer   = 2 * time.Second
)

// clusterState is what STREAM.INFO says of the replicas of a stream, when it is asked.
type clusterState struct {
	At      time.Time   `json:"ts"`
	Error   *apiFault   `json:"error"`
	Cluster *replicated `json:"cluster"`
}

type replicated struct {
	Leader   string    `json:"leader"`
	Since    time.Time `json:"leader_since"`
	Replicas []replica `json:"replicas"` // without the leader
}

type replica struct {
	Active time.Duration `json:"active"` // since it was last heard of; 0 = never, by this leader
}

// watchQuorum keeps health up to date while the server is one of several.
func (b *Bus) watchQuorum() {
	if b.beside() {
		return // one server is always of one mind
	}
	var all []string
	for _, s := range slices.Concat(b.needs.Reads, b.needs.Writes) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for _, stream := range all {
		b.task(func() {
			for next := quorumEvery; ; {
				if next = quorumEvery; b.clustered() && b.nc.IsConnected() {
					next = b.lookAtQuorum(stream)
				}
				if wait.Sleep(b.life, next) != nil {
					return
				}
			}
		})
	}
}

// lookAtQuorum asks once, and says when to ask again.
func (b *Bus) lookAtQuorum(stream string) time.Duration {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(b.life, quorumAnswer)
	defer cancel()
	answer, err := b.request(ctx, &nats.Msg{Subject: apiPrefix + streamInfo + "." + stream})
	var state clusterState
	if err == nil {
		err = json.Unmarshal(answer.Data, &state)
	}
	_, denied := errors.AsType[*deniedError](err)
	switch {
	case b.life.Err() != nil, denied, !b.nc.IsConnected():
		return quorumEvery
	case err != nil:
		b.health.miss(stream, asked, "has no leader")
		return quorumSoon
	case state.Error != nil:
		b.health.miss(stream, asked, "has no leader ("+state.Error.Description+")")
		return quorumSoon
	}
	lost, heard, text := state.quorum()
	if text != "" {
		b.health.lose(stream, asked.Add(-lost), text)
		return quorumSoon
	}
	b.health.regain(stream)
	return min(quorumEvery, max(quorumSoon, quorumPatience-heard))
}

// quorum says since when a leader hears from too few, and why that is too few; empty when
// it hears from enough, or was elected just now; heard is for how long nothing may have
// been heard, so that it is asked again as soon as that is too long.
func (s clusterState) quorum() (lost, heard time.Duration, text string) {
	if s.Cluster == nil || len(s.Cluster.Replicas) == 0 {
		return 0, 0, ""
	}
	if s.Cluster.Leader == "" {
		return 0, 0, "has no leader"
	}
	led := max(s.At.Sub(s.Cluster.Since), 0)
	if led < quorumPatience {
		return 0, led, "" // elected just now: what it heard counts when it has led that long
	}
	var silent []time.Duration
	away := 0
	for _, r := range s.Cluster.Replicas {
		if r.Active == 0 {
			r.Active = led
		}
		silent = append(silent, r.Active)
		if r.Active >= quorumPatience {
			away++
		}
	}
	slices.Sort(silent)
	needed := (len(silent)+1)/2 - 1 // beside the leader itself: the last of those that make a majority
	if heard = silent[needed]; heard < quorumPatience {
		return 0, heard, ""
	}
	return heard, heard, fmt.Sprintf("has no quorum (its leader %s hears from %d of %d replicas)", s.Cluster.Leader, len(silent)-away, len(silent))
}
