package jet

import (
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// A stream that is as it should be changes in nothing, whatever its server filled in; one
// that is not says which settings change, from what to what.
func TestDifferences(t *testing.T) {
	for _, want := range (Topology{Store: 1 << 30, Replicas: 1, ResultsPerJob: 10}).streams() {
		had := want
		if had.MaxMsgsPerSubject == 0 {
			had.MaxMsgsPerSubject = -1
		}
		had.MaxMsgs, had.MaxMsgSize = -1, -1
		had.Placement = &jetstream.Placement{Cluster: "somewhere"}
		had.Metadata = map[string]string{"_nats.ver": "2.15.2"}
		maps.Copy(had.Metadata, want.Metadata)
		if d := differences(had, overlaid(had, want)); len(d) > 0 {
			t.Errorf("%s: %v", want.Name, d)
		}
		more := want
		more.Replicas = 3
		will := overlaid(had, more)
		if d := differences(had, will); len(d) != 1 || d[0] != (FieldChange{"num_replicas", "1", "3"}) {
			t.Errorf("%s with three replicas: %v", want.Name, d)
		}
		if will.Placement == nil {
			t.Errorf("%s forgets where it was placed", want.Name)
		}
		if d := differences(jetstream.StreamConfig{}, want); len(d) < 4 {
			t.Errorf("%s that is new: %v", want.Name, d)
		}
	}
}

// The address of a NATS can hold a password, which no log and no error shows.
func TestRedacted(t *testing.T) {
	got := redacted("nats://me:secret@a:4222,tls://b:4222,nats://token@c")
	if strings.Contains(got, "secret") || strings.Contains(got, "token") || !strings.Contains(got, "tls://b:4222") {
		t.Error(got)
	}
}
