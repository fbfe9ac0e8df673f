package jet

import (
	"strings"
	"testing"
	"time"
)

// A leader who hears from too few is known as such before it knows it itself; one that
// was elected just now has not heard from all.
func TestQuorum(t *testing.T) {
	now := time.Now()
	state := func(elected time.Duration, active ...time.Duration) clusterState {
		var s clusterState
		s.At = now
		s.Cluster = &replicated{Leader: "m1", Since: now.Add(-elected)}
		for _, a := range active {
			s.Cluster.Replicas = append(s.Cluster.Replicas, replica{Active: a})
		}
		return s
	}
	ms := time.Millisecond
	for name, c := range map[string]struct {
		of   clusterState
		want string
	}{
		"alone":                   {clusterState{}, ""},
		"one copy":                {state(time.Hour), ""},
		"all":                     {state(time.Hour, 10*ms, 900*ms), ""},
		"one of two away":         {state(time.Hour, 900*ms, time.Hour), ""},
		"two of two away":         {state(time.Hour, 4*time.Second, time.Hour), "has no quorum (its leader m1 hears from 0 of 2 replicas)"},
		"never heard of":          {state(4*time.Second, 4*time.Second, 0), "hears from 0 of 2"},
		"elected just now":        {state(time.Second, 4*time.Second, time.Hour), ""},
		"two of four away":        {state(time.Hour, 1, 900*ms, time.Hour, time.Hour), ""},
		"three of four away":      {state(time.Hour, 1, time.Hour, time.Hour, time.Hour), "hears from 1 of 4"},
		"the only other one away": {state(time.Hour, time.Hour), "hears from 0 of 1"},
	} {
		_, _, text := c.of.quorum()
		if (text == "") != (c.want == "") || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
	if lost, _, _ := state(time.Hour, 4*time.Second, time.Minute).quorum(); lost != 4*time.Second {
		t.Errorf("quorum was lost %s ago: want 4s, when the last was heard that makes a majority", lost)
	}
	if _, heard, _ := state(3*time.Second, 1, 1).quorum(); heard != 3*time.Second {
		t.Errorf("a leader of 3s is asked again as if it had heard all %s ago", heard)
	}
}
