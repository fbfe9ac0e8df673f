package watcher_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/watcher"
)

// machines are two places with a watcher each, as the roles of both would say it.
type machines struct {
	*harness
	mu   sync.Mutex
	away map[string]bool
	has  map[string]events.ServedDrive
}

func (m *machines) places(context.Context) (events.Places, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	heard := []events.HeardRole{{RoleState: events.RoleState{Role: "cron"}, At: now}}
	for place, d := range m.has {
		at := now
		if m.away[place] {
			at = now.Add(-time.Minute)
		}
		heard = append(heard, events.HeardRole{RoleState: events.RoleState{Role: "watcher", Place: place, Drives: []events.ServedDrive{d}}, At: at})
	}
	return events.PlacesOf(heard, nil, 0), nil
}

func (m *machines) set(place string, away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away[place] = away
}

// at starts the watcher of a place that has the drive of the harness, in a folder of its own, or shared.
func (m *machines) at(place string, shared bool, mappings ...string) (stop func()) {
	m.Helper()
	var local, all []string
	if shared {
		all = mappings
	} else {
		local = mappings
	}
	d, err := drive.New(m.TempDir(), local, all...)
	if err != nil {
		m.Fatal(err)
	}
	d.At(place)
	cfg := m.cfg
	if cfg.Drives, cfg.Places = d, m.places; shared {
		cfg.Places = m.bus.Places
	}
	cfg.Log = cfg.Log.With("place", place)
	w, err := watcher.New(cfg)
	if err != nil {
		m.Fatal(err)
	}
	stop = eventstest.Background(m, w.Run)
	m.eventually(func() bool { return w.Check() == nil })
	return stop
}

func (m *machines) state(job string) *events.WatchState {
	m.Helper()
	s, err := m.bus.JobStates(m.Context(), job)
	m.check(err)
	return s.Watch
}

// The folder of a job is watched where its drive is, and said to be nobody's while that machine is away.
func TestPlaceOfAFolder(t *testing.T) {
	m := &machines{harness: newHarness(t, eventstest.Options{}), away: map[string]bool{}, has: map[string]events.ServedDrive{
		"m1": {Name: driveName}, "m2": {Name: "admin/repo/fs/other"},
	}}
	dir := m.dir("in")
	m.job("job", "in", nil)
	m.at("m1", false, driveName+"="+m.root)
	stop := m.at("m2", false, "admin/repo/fs/other="+m.TempDir())
	for i := range 5 {
		m.drop(filepath.Join(dir, fmt.Sprint(i)), "x")
	}
	for _, tr := range m.await("job", 5) {
		if tr.Place != "m1" {
			t.Errorf("the trigger of a file on a drive of m1 is of the place %q", tr.Place)
		}
	}
	m.eventually(func() bool { s := m.state("job"); return s != nil && s.State == events.FolderLive && s.Place == "m1" })
	if strings.Contains(m.log.String(), `msg="folder cannot be read: no file in it is seen" place=m2`) {
		t.Error("m2 looks for a folder that lies on m1")
	}
	open := m.holdOpen(filepath.Join(dir, "open"), "x")
	m.eventually(func() bool {
		_, files, _, err := m.bus.FolderStates(t.Context(), "job")
		return err == nil && len(files.Files) == 1 && files.Files[0].Path == "open"
	})
	m.check(open.Close())
	m.await("job", 6)

	m.set("m1", true)
	m.eventually(func() bool {
		s := m.state("job")
		return s.State == events.FolderBlocked && s.Unserved && strings.HasPrefix(s.Reason, "no machine serves the drive "+driveName+"; m1 did until ")
	})
	m.set("m1", false)
	m.eventually(func() bool { return m.state("job").State == events.FolderLive })
	stop()
}

// Two watchers of one shared folder make one trigger for each file, of no place.
func TestPlacesOfASharedFolder(t *testing.T) {
	shared := events.ServedDrive{Name: driveName, Shared: true}
	m := &machines{harness: newHarness(t, eventstest.Options{}), away: map[string]bool{}, has: map[string]events.ServedDrive{"m1": shared, "m2": shared}}
	dir := m.dir("in")
	m.job("job", "in", nil)
	m.at("m1", true, driveName+"="+m.root)
	m.at("m2", true, driveName+"="+m.root)
	for i := range 20 {
		m.drop(filepath.Join(dir, fmt.Sprint(i)), "x")
	}
	for _, tr := range m.await("job", 20) {
		if tr.Place != "" {
			t.Errorf("the trigger of a file on a shared drive is of the place %q", tr.Place)
		}
	}
	m.eventually(func() bool {
		s := m.state("job")
		return s != nil && s.State == events.FolderLive && s.Shared && s.Place == ""
	})
}
