package broker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
)

// What is led is handed on to the machine that leads least, streams first, until all lead about as much.
func TestSpread(t *testing.T) {
	machines := []string{"m1", "m2", "m3"}
	led := func(stream, consumer, by string) asset {
		of := &server.ClusterInfo{Leader: by}
		for _, m := range machines {
			if m != by {
				of.Replicas = append(of.Replicas, &server.PeerInfo{Name: m, Current: true})
			}
		}
		return asset{stream, consumer, of}
	}
	all := assets{
		led("A", "", "m1"), led("B", "", "m1"), led("C", "", "m1"), led("D", "", "m2"),
		led("A", "x", "m2"), led("B", "y", "m2"), led("C", "z", "m2"), led("D", "w", "m3"),
	}
	if !all.whole(machines) {
		t.Error("not whole")
	}
	var moves []string
	for m, found := all.next(machines); found && len(moves) < 10; m, found = all.next(machines) {
		moves = append(moves, m.stream+m.consumer+" "+m.cluster.Leader+" "+m.to)
		m.cluster.Leader = m.to
		m.cluster.Replicas = led("", "", m.to).cluster.Replicas
	}
	if diff := cmp.Diff([]string{"A m1 m3", "Ax m2 m1"}, moves); diff != "" {
		t.Error(diff)
	}
	lag := led("A", "", "m1")
	lag.cluster.Replicas[1].Current = false
	for name, all := range map[string]assets{
		"nothing known": nil, "one is behind": {lag}, "no leader": {led("A", "", "")}, "one of no cluster": {{stream: "A"}},
	} {
		if all.whole(machines) {
			t.Errorf("%s: whole", name)
		}
	}
}
