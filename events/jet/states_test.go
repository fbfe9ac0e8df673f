package jet_test

import (
	"context"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// What the process says that has the only store is kept for long; what others say goes soon after them.
func TestStatesAreOfTheirProcess(t *testing.T) {
	ctx, srv := t.Context(), eventstest.Start(t, eventstest.Options{})
	foreign := eventstest.Connect(t, srv)
	alone, err := jet.Connect(ctx, jet.Options{Server: srv, Alone: true, Name: "alone", Log: eventstest.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close(context.Background()) //nolint:errcheck // of a test
	if foreign.RenewStates() != events.StateRenew || alone.RenewStates() != events.OwnRenew {
		t.Errorf("said again each %v and %v", foreign.RenewStates(), alone.RenewStates())
	}
	for id, bus := range map[string]*jet.Bus{"foreign": foreign, "former": alone, "now": alone} {
		say := bus.PutFolderStates(ctx, []events.WatchState{{JobID: id, State: events.FolderLive}}, []events.WaitingFiles{{JobID: id}})
		for _, err := range []error{say, bus.PutRunner(ctx, id, events.RunnerState{Host: id})} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	own := map[string]bool{}
	for _, id := range []string{"foreign", "former"} {
		watch, _, err := alone.WatchState(id).Last(ctx)
		if own[id] = watch.IsOwn(); err != nil {
			t.Fatal(err)
		}
		if files, _, err := alone.WaitingFiles(id).Last(ctx); err != nil || files.IsOwn() {
			t.Errorf("files of %s are kept for long (%v)", id, err)
		}
	}
	if own["foreign"] || !own["former"] {
		t.Errorf("of the process with the store: %v", own)
	}
	if err := alone.ForgetRunners(ctx, "now"); err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	if err := alone.Runners().Each(ctx, func(s events.RunnerState) { left[s.Host] = true }); err != nil || !left["foreign"] || !left["now"] || left["former"] {
		t.Errorf("runners that are left: %v, %v", left, err)
	}
}
