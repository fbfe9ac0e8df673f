package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/reserve"
)

// While less than the reserve is free, uploads are refused, files wait, and what flows
// print is not kept; with less than half of it flows that write there are ended and
// none is started. All of it goes on when there is room, and the reserve is printed.
func TestReserveIsKept(t *testing.T) {
	t.Parallel()
	disk := eventstest.NewSmallDisk(t, 768<<20, false)
	p := newHarness(t)
	p.data, p.dir = filepath.Join(disk.Dir, "data"), filepath.Join(disk.Dir, "drive")
	for _, dir := range []string{"in", "tick/in"} {
		if err := os.MkdirAll(filepath.Join(p.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.flow("long.ibflowbin", "#!/bin/sh\nwhile :; do echo printed; sleep 0.2; done\n")
	p.flow("quick.ibflowbin", "#!/bin/sh\nexit 0\n")
	pr := p.serve("--reserve", "300MiB")
	if !strings.Contains(pr.log.String(), `reserve="300 MB"`) {
		t.Error("the reserve is not printed")
	}
	bus := p.bus()
	files := p.job("files", "", "quick.ibflowbin", "in", nil)
	endless := p.job("endless", "@yearly", "long.ibflowbin", "tick/in", nil)
	upload := func(name string, want int) string {
		t.Helper()
		return p.native(http.MethodPut, "/api/v2/files/"+testDrive+"/tick/"+name, "content", want)
	}
	drop := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(p.dir, "in", name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ended := func(job string) []events.RunEvent {
		return read(p, bus.Runs(events.Ended, job))
	}
	upload("before", http.StatusNoContent)
	drop("before")
	p.eventually("a file runs", func() bool { return len(ended(files)) == 1 })
	p.native(http.MethodPost, "/api/v2/jobs/"+endless+"/trigger", "", http.StatusAccepted)
	p.eventually("a flow runs", func() bool {
		return len(read(p, bus.Runs(events.Started, endless))) == 1
	})
	fi, err := os.Stat(filepath.Join(p.data, "ballast"))
	p.eventually("a ballast is held", func() bool {
		fi, err = os.Stat(filepath.Join(p.data, "ballast"))
		return err == nil && fi.Size() > 1<<20
	})

	more := disk.Leave(250 << 20)
	if said := upload("meanwhile", http.StatusInsufficientStorage); !strings.Contains(said, "--reserve") {
		t.Errorf("the upload is refused with %s", said)
	}
	drop("meanwhile")
	time.Sleep(3 * time.Second) // a file would be run by then, and a flow be ended
	if n := len(ended(files)); n != 1 {
		t.Errorf("%d files have run though no stage may be built", n)
	}
	if n := len(ended(endless)); n != 0 {
		t.Error("a flow is ended while more than half of the reserve is free")
	}
	if said := p.native(http.MethodGet, "/api/v2/jobs/"+files, "", http.StatusOK); !strings.Contains(said, "--reserve") {
		t.Errorf("nothing says why the file waits: %s", said)
	}

	if said := p.native(http.MethodGet, "/readyz", "", http.StatusOK); !strings.Contains(said, "--reserve") {
		t.Errorf("/readyz says %s", said)
	}

	most := disk.Leave(100 << 20)
	p.eventually("the flow is ended", func() bool { return len(ended(endless)) == 1 })
	if end := ended(endless)[0]; end.Status != events.ERROR || !strings.Contains(end.Message, "disk: ") || !strings.Contains(end.Message, "--reserve") || !strings.Contains(end.Message, "run.log is incomplete") {
		t.Errorf("the flow has ended %s: %s", end.Status, end.Message)
	}
	p.native(http.MethodPost, "/api/v2/jobs/"+endless+"/trigger", "", http.StatusAccepted)
	time.Sleep(2 * time.Second)
	if n := len(read(p, bus.Runs(events.Started, endless))); n != 1 {
		t.Error("a flow is started only to be ended")
	}

	most()
	more()
	upload("after", http.StatusNoContent)
	p.eventually("the file that waited runs", func() bool { return len(ended(files)) == 2 })
	p.eventually("the run that waited starts", func() bool {
		return len(read(p, bus.Runs(events.Started, endless))) == 2
	})
	if strings.Contains(pr.log.String(), "the store was opened anew") {
		t.Error("the store was opened anew though it was never short of room")
	}
	if free, _, err := reserve.Room(p.data); err != nil || free < 100<<20 {
		t.Errorf("%d bytes are free (%v)", free, err)
	}
}
