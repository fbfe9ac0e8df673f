package watcher_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// owned makes a job of an owner with a role.
func (r *harness) owned(id, folder, owner string, role events.Role) {
	r.Helper()
	r.dir(folder)
	raw, err := json.Marshal(map[string]any{"name": id, "flow_parameters": map[string]any{
		"auth_token": "token", "binary_path": driveName + "/flow", "input_dir": driveName + "/" + folder,
		"settings": map[string]any{"spooled_mode": true, "output_dir": driveName + "/out"},
	}})
	if err != nil {
		r.Fatal(err)
	}
	r.put(events.JobEvent{Event: events.JobCreated, At: time.Now(), By: owner, Job: events.Job{
		ID: id, Username: owner, Role: role, Status: events.Enabled, Name: id, CreatedOnNS: time.Now().UnixNano(), Parameters: raw,
	}}, 0)
}

// What is over the quota of an owner waits in its folder, is shown, and is
// queued when there is room; nobody else waits, and nothing is lost.
func TestQuotaOfQueuedFiles(t *testing.T) {
	r := newHarness(t, eventstest.Options{})
	r.cfg.Queued = 5
	r.owned("j1", "a", "ann", "operator")
	r.owned("j2", "b", "ann", "operator")
	r.owned("j3", "c", "bob", "")
	r.owned("j4", "d", "root", "admin")
	stop := r.start()
	for i := range 12 {
		r.drop(filepath.Join(r.root, "a", fmt.Sprint("f", i)), "x")
	}
	held := func(id string, pending int) {
		t.Helper()
		r.awaitState(id, func(s events.WatchState) bool {
			return s.Pending == pending && strings.Contains(s.Reason, "files wait: the quota of 5 queued files of ann is used up")
		})
	}
	held("j1", 7)
	r.await("j1", 5)
	for _, folder := range []string{"b", "c", "d"} {
		for i := range 6 {
			r.drop(filepath.Join(r.root, folder, fmt.Sprint("g", i)), "x")
		}
	}
	held("j2", 6)
	r.await("j3", 5)
	r.await("j4", 6)
	r.await("j2", 0)

	stop() // another watcher counts what is queued
	r.start()
	held("j1", 7)

	var all int
	r.eventually(func() bool { // as a dispatcher would, bit by bit
		for _, id := range []string{"j1", "j2"} {
			var seqs []uint64
			err := r.bus.Files(id).Since(t.Context(), time.Time{}, func(m jet.Entry[events.Trigger]) bool {
				seqs = append(seqs, m.Sequence)
				return len(seqs) < 2
			})
			if err != nil || r.bus.Files(id).Drop(t.Context(), seqs) != nil {
				t.Fatal(err)
			}
			all += len(seqs)
		}
		n := len(r.queued("j1")) + len(r.queued("j2"))
		if n > 5 {
			t.Fatalf("%d files are queued", n)
		}
		return all == 18
	})
}
