package broker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"spool.internal/events/sorting"
)

// Cluster is how a cluster is, as one of its machines sees it.
type Cluster struct {
	Name     string         `json:"name"`
	ID       string         `json:"id"`
	Leader   string         `json:"leader"` // of the machines; "" = none
	Whole    bool           `json:"whole"`  // every machine is there, and every copy current
	Why      []string       `json:"why,omitempty"`
	Machines []MachineState `json:"machines"`
	Streams  []StreamState  `json:"streams"`
}

// MachineState is how a machine is.
type MachineState struct {
	Name        string    `json:"name"`
	Address     string    `json:"address,omitempty"`
	State       string    `json:"state"` // see the constants
	Leads       int       `json:"leads"` // streams
	Version     string    `json:"version,omitempty"`
	Since       time.Time `json:"since,omitzero"`
	Certificate time.Time `json:"certificate_ends,omitzero"`
	Why         []string  `json:"why,omitempty"`
}

// What State of a machine may be.
const (
	Current   = "current"    // it has what the others have
	Behind    = "behind"     // it fetches what it lacks
	Away      = "away"       // it does not answer
	NotJoined = "not joined" // it has never been there
	Stranger  = "not named"  // it is no machine of the bundle of whom was asked, and has not been removed
)

// StreamState is how a stream is.
type StreamState struct {
	Name      string         `json:"name"`
	Leader    string         `json:"leader"` // "" = none
	Replicas  []ReplicaState `json:"replicas"`
	Messages  uint64         `json:"messages"`
	Consumers int            `json:"consumers"`
	Bytes     uint64         `json:"bytes"`
}

// ReplicaState is a copy of a stream, other than the leader's.
type ReplicaState struct {
	Machine string `json:"machine"`
	Current bool   `json:"current"`
	Away    bool   `json:"away"`
	Lag     uint64 `json:"lag"` // operations
}

// Look asks all machines how they are.
func (a *Admin) Look(ctx context.Context) (*Cluster, error) {
	said := map[string]Said{}
	var first *Said
	err := askAll(ctx, a.home, whoSubject, nil, func(m *nats.Msg) bool {
		var s Said
		if json.Unmarshal(m.Data, &s) != nil {
			return false
		}
		said[s.Machine], first = s, cmp.Or(first, &s)
		return len(said) >= len(first.Machines)
	})
	if err != nil {
		return nil, err
	}
	if first == nil {
		return nil, errors.New("no machine says that it is one of a cluster: this Spool runs without --bundle")
	}
	seen, err := a.servers(ctx, len(said))
	if err != nil {
		return nil, err
	}
	c := &Cluster{Name: first.Name, ID: first.ID}
	meta := c.meta(seen)
	c.streams(seen)
	c.machines(first, said, meta)
	for i := range c.Streams {
		if c.away(c.Streams[i].Leader) {
			c.Streams[i].Leader = "" // whoever said so does not know yet
		}
	}
	c.judge()
	return c, nil
}

// jsz is what one server says of its JetStream.
type jsz struct {
	Server server.ServerInfo `json:"server"`
	Data   server.JSInfo     `json:"data"`
}

func (a *Admin) servers(ctx context.Context, n int) (map[string]jsz, error) {
	home, err := publicOf(a.keys.Account)
	if err != nil {
		return nil, err
	}
	seen := map[string]jsz{}
	ask, _ := json.Marshal(server.JSzOptions{Account: home, Streams: true})
	err = askAll(ctx, a.sys, "$SYS.REQ.SERVER.PING.JSZ", ask, func(m *nats.Msg) bool {
		var one jsz
		if json.Unmarshal(m.Data, &one) == nil && one.Server.Name != "" {
			seen[one.Server.Name] = one
		}
		return len(seen) >= n
	})
	return seen, err
}

// meta is who is in the group of machines, by the word of its leader, or of anybody where there is none.
func (c *Cluster) meta(seen map[string]jsz) *server.MetaClusterInfo {
	var anybody *server.MetaClusterInfo
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		m := seen[name].Data.Meta
		if m == nil {
			continue
		}
		anybody = m
		if m.Leader == name {
			c.Leader = name
			return m
		}
	}
	return anybody
}

// streams takes the word of the leader of each stream, or of anybody where there is none.
func (c *Cluster) streams(seen map[string]jsz) {
	all, own := map[string]StreamState{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		for _, account := range seen[name].Data.AccountDetails {
			for _, s := range account.Streams {
				if s.Cluster == nil || own[s.Name] {
					continue
				}
				own[s.Name] = s.Cluster.Leader == name
				all[s.Name] = stateOf(s)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c.Streams = append(c.Streams, all[name])
	}
}

func stateOf(s server.StreamDetail) StreamState {
	of := StreamState{Name: s.Name, Leader: s.Cluster.Leader, Messages: s.State.Msgs, Consumers: s.State.Consumers, Bytes: s.State.Bytes}
	for _, r := range s.Cluster.Replicas {
		of.Replicas = append(of.Replicas, ReplicaState{r.Name, r.Current, r.Offline, r.Lag})
	}
	sorting.By(of.Replicas, func(x, y ReplicaState) int { return cmp.Compare(x.Machine, y.Machine) })
	return of
}

// machines lists those of the bundle and those that NATS knows.
func (c *Cluster) machines(first *Said, said map[string]Said, meta *server.MetaClusterInfo) {
	for _, m := range first.Machines {
		c.Machines = append(c.Machines, MachineState{Name: m.Name, Address: m.Address, State: NotJoined})
	}
	peer := func(name string) *MachineState {
		at := slices.IndexFunc(c.Machines, func(m MachineState) bool { return m.Name == name })
		if at < 0 {
			c.Machines = append(c.Machines, MachineState{Name: name, State: Stranger})
			at = len(c.Machines) - 1
		}
		return &c.Machines[at]
	}
	if meta != nil {
		for _, r := range meta.Replicas {
			if name := r.Name; name != "" && !strings.HasPrefix(name, "Server name unknown") {
				if m := peer(name); m.State == NotJoined {
					m.State = Away
				}
			}
		}
	}
	for name, s := range said {
		m := peer(name)
		m.State, m.Version, m.Since, m.Certificate, m.Why = Current, s.Version, s.Since, s.Certificate, s.Why
		if len(s.Why) > 0 {
			m.State = Behind
		}
	}
	for i := range c.Machines {
		for _, s := range c.Streams {
			if s.Leader == c.Machines[i].Name {
				c.Machines[i].Leads++
			}
		}
	}
}

// ending is how long before its end a certificate is said to end.
const ending = 30 * 24 * time.Hour

// judge says what is not as it is to be.
func (c *Cluster) judge() {
	say := func(format string, args ...any) { c.Why = append(c.Why, fmt.Sprintf(format, args...)) }
	if c.Leader == "" {
		say("the cluster has no leader: a majority of its machines must run and reach each other")
	}
	for _, m := range c.Machines {
		if m.State != Current {
			say("%s is %s%s", m.Name, m.State, because(m.Why))
		}
		if !m.Certificate.IsZero() && time.Until(m.Certificate) < ending {
			say("the certificate of %s ends on %s: spool cluster add --renew", m.Name, m.Certificate.Format(time.DateOnly))
		}
	}
	led, few, behind := []string{}, []string{}, map[string][]string{}
	for _, s := range c.Streams {
		if s.Leader == "" {
			led = append(led, s.Name)
		}
		if len(s.Replicas)+1 < replicas {
			few = append(few, s.Name)
		}
		for _, r := range s.Replicas {
			if !r.Current && !c.away(r.Machine) {
				behind[r.Machine] = append(behind[r.Machine], s.Name)
			}
		}
	}
	if len(led) > 0 {
		say("no machine leads %s", strings.Join(led, ", "))
	}
	for _, m := range slices.Sorted(maps.Keys(behind)) {
		say("on %s not current: %s", m, strings.Join(behind[m], ", "))
	}
	if len(few) > 0 {
		say("fewer than %d copies: %s", replicas, strings.Join(few, ", "))
	}
	if len(c.Streams) == 0 {
		say("there are no streams yet")
	}
	c.Whole = len(c.Why) == 0
}

// away reports whether a machine does not answer.
func (c *Cluster) away(machine string) bool {
	return slices.ContainsFunc(c.Machines, func(m MachineState) bool {
		return m.Name == machine && m.State != Current && m.State != Behind
	})
}

func because(why []string) string {
	if len(why) == 0 {
		return ""
	}
	return " (" + strings.ReplaceAll(strings.Join(why, "; "), "\n", "; ") + ")"
}
