package main

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// How long commits took is counted by stream, over all services of a process.
func TestCommitFigures(t *testing.T) {
	t.Parallel()
	bus := eventstest.Bus(t)
	if err := bus.PutRole(t.Context(), events.RoleState{Role: "cron", Instance: "x"}); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	if err := registry.Register(&commitFigures{buses: []*jet.Bus{bus, eventstest.Bus(t)}}); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || len(families[0].GetMetric()) != 1 {
		t.Fatalf("%v, %v", families, err)
	}
	h := families[0].GetMetric()[0].GetHistogram()
	if families[0].GetName() != "spool_commit_seconds" || h.GetSampleCount() != 1 || h.GetSampleSum() <= 0 {
		t.Errorf("%v", families[0])
	}
}
