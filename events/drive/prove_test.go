package drive_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"spool.internal/events"
	"spool.internal/events/drive"
)

// record keeps the first id of each drive, as the store does.
type record struct {
	mu  sync.Mutex
	all map[string]events.SharedDrive
}

func (r *record) SharedDrive(_ context.Context, name string) (events.SharedDrive, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.all[name]
	return d, ok, nil
}

func (r *record) ClaimSharedDrive(_ context.Context, d events.SharedDrive) (events.SharedDrive, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if had, ok := r.all[d.Name]; ok {
		return had, nil
	}
	if r.all == nil {
		r.all = map[string]events.SharedDrive{}
	}
	r.all[d.Name] = d
	return d, nil
}

func prove(t *testing.T, r *record, place, dir string) (*drive.Drives, error) {
	t.Helper()
	d, err := drive.New(t.TempDir(), nil, "a/b/fs/scans="+dir)
	if err != nil {
		t.Fatal(err)
	}
	d.At(place)
	return d, d.Prove(t.Context(), r)
}

func TestSharedDrive(t *testing.T) {
	r, dir := &record{}, t.TempDir()
	var first sync.WaitGroup
	for _, place := range []string{"m1", "m2", "m3"} { // all at once
		first.Go(func() {
			if _, err := prove(t, r, place, dir); err != nil {
				t.Error(err)
			}
		})
	}
	first.Wait()
	d, err := prove(t, r, "m2", dir)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := events.ParsePath("", "a/b/fs/scans/in")
	if here, shared := d.Serves(p); !here || !shared {
		t.Error(here, shared)
	}
	if served := d.Served(nil); len(served) != 1 || served[0].ID != r.all["a/b/fs/scans"].ID || !served[0].Shared {
		t.Error(served)
	}

	other := t.TempDir() // an empty folder: nothing is mounted there
	refused(t, r, other, "is not the folder that m", r.all["a/b/fs/scans"].ID)
	if entries, _ := os.ReadDir(other); len(entries) > 0 {
		t.Error("something was written into a folder that is another one", entries)
	}
	if _, err := prove(t, &record{}, "m9", other); err != nil { // the drive of another store
		t.Fatal(err)
	}
	refused(t, r, other, "is not the folder that m", "and not "+r.all["a/b/fs/scans"].ID)
	if err := os.WriteFile(filepath.Join(dir, ".spool", drive.IDFile), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, r, dir, "holds no id")
	refused(t, &record{}, filepath.Join(dir, "absent"), "is not there")
}

func refused(t *testing.T, r *record, dir string, words ...string) {
	t.Helper()
	_, err := prove(t, r, "m2", dir)
	for _, w := range append(words, "shared-drive: a/b/fs/scans="+dir) {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%v: without %q", err, w)
		}
	}
	if fault, ok := errors.AsType[*events.Error](err); err != nil && (!ok || fault.Field != "shared-drive") {
		t.Errorf("%v names no field", err)
	}
}

// A drive of one machine is here where its folder is; a folder of a host is that of its machine.
func TestServes(t *testing.T) {
	base := t.TempDir()
	d, err := drive.New(base, []string{"a/b/fs/local=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	path := func(text string) events.Path {
		p, err := events.ParsePath("", text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	host := t.TempDir()
	d.Recorded(func(p events.Path) (string, error) { return host, nil })
	if here, _ := d.Serves(path("a/b/fs/none/in")); !here {
		t.Error("without a place a drive is not here")
	}
	d.At("m1")
	if err := os.MkdirAll(filepath.Join(base, "a/b/fs/base"), 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"a/b/fs/local/in": true, "a/b/fs/base/in": true, "a/b/fs/none/in": false,
		events.HostPathAt("a", host, "m1").String(): true, events.HostPathAt("a", host, "m2").String(): false, events.HostPath("a", host).String(): true,
	} {
		if here, shared := d.Serves(path(text)); here != want || shared {
			t.Errorf("%s: here %v, shared %v", text, here, shared)
		}
	}
	if dir := d.HostPath(events.HostPathAt("a", host, "m2")); dir == host {
		t.Error("a folder of another machine's host is looked for on this one")
	}
}
