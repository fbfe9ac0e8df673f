package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// Machines are listed, and one that is there is not forgotten; of one that was stopped the runs end.
func TestMachineCommands(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.start("broker", "--data", p.data, "--nats-listen", p.nats)
	run := func(args ...string) (string, error) {
		out, err := exec.Command(binary, append(append([]string{"machine"}, args...), "--data", p.data)...).CombinedOutput()
		return string(out), err
	}
	if said, err := run("list"); err != nil || !strings.Contains(said, "no machine has a runner of its own") {
		t.Errorf("without machines: %s, %v", said, err)
	}
	bus := p.bus()
	lease := func(place string, released bool) {
		if _, err := bus.PutPlaceLease(t.Context(), events.PlaceLease{Place: place, Pool: "default", Host: "mill", Takeover: 90 * time.Second, Released: released}, 0); err != nil {
			t.Fatal(err)
		}
	}
	lease("m1", false)
	lease("m2", true)
	ev := events.Run{FlowJobID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", Owner: "ann", BinaryPath: "a/r/fs/D/f", InputDir: "a/r/fs/D/in", OutputFolder: "a/r/fs/D/out", Place: "m2"}
	if _, _, err := bus.AcceptRun(t.Context(), events.RunQueueOf("default", "m2"), ev); err != nil {
		t.Fatal(err)
	}
	said, err := run("list")
	for _, want := range []string{"m1       default  there    ", "m2       default  stopped  ", "1m30s     1"} {
		if err != nil || !strings.Contains(said, want) {
			t.Errorf("%q is not listed: %v\n%s", want, err, said)
		}
	}
	if said, err := run("forget", "m1"); err == nil || !strings.Contains(said, "machine m1 is there: its runner, on mill") {
		t.Errorf("one that is there: %s, %v", said, err)
	}
	if said, err := run("forget", "m7"); err == nil || !strings.Contains(said, "no machine m7 is known") {
		t.Errorf("one that is not known: %s, %v", said, err)
	}
	p.start("runner", "--data", filepath.Join(t.TempDir(), "r"), "--place", "m3", "--nats-url", "nats://"+p.nats, "--nats-creds", filepath.Join(p.data, "runner.creds"))
	if said, err := run("forget", "m2"); err != nil || !strings.Contains(said, "machine m2 is forgotten; it had 1 runs\nall of them have ended") {
		t.Errorf("one that is gone: %s, %v", said, err)
	}
	last, _, err := bus.LastRunEvent(context.Background(), "", ev.FlowJobID)
	if err != nil || last.Phase != events.Ended || !strings.Contains(last.Message, "m2 is gone with the files of the run") {
		t.Errorf("its run: %+v, %v", last, err)
	}
	if said, _ := run("list"); !strings.Contains(said, "forgotten by ") {
		t.Errorf("afterwards: %s", said)
	}
}
