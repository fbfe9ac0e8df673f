package broker

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/broker/store"
)

// A store of an older Spool, whose FILES was a work queue, is brought to the new
// form wherever a start before has died: the ledger, what is queued and what was
// handed out stay as they are.
func TestStoreOfAnOlderSpool(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		died func(t *testing.T, dir string, former, next []byte) // what a start left that died
	}{
		{"first start", func(*testing.T, string, []byte, []byte) {}},
		{"died with the journal", func(t *testing.T, dir string, _, next []byte) {
			put(t, dir, streamJournal, next)
		}},
		{"died between settings and checksum", func(t *testing.T, dir string, _, next []byte) {
			put(t, dir, streamJournal, next)
			put(t, dir, streamMeta, next)
		}},
		{"died before the journal went", func(t *testing.T, dir string, _, next []byte) {
			put(t, dir, streamJournal, next)
			put(t, dir, streamMeta, next)
			put(t, dir, streamSum, []byte(store.SettingsSum(streamFiles, next)))
		}},
		{"died while it wrote", func(t *testing.T, dir string, _, next []byte) {
			put(t, dir, streamJournal+".tmp", next[:len(next)/2])
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // what is handed back at a stop may come only when the server's patience ends
			dir := t.TempDir()
			fillFiles(t, dir)
			folders, err := filepath.Glob(filepath.Join(dir, "nats", "jetstream", "*", "streams", streamFiles))
			if err != nil || len(folders) != 1 {
				t.Fatal(folders, err)
			}
			former, next := makeOlder(t, folders[0])
			c.died(t, folders[0], former, next)

			b := start(t, dir, "")
			bus, err := b.Connect(t.Context(), "dispatcher")
			if err != nil {
				t.Fatal(err)
			}
			defer bus.Close(context.Background()) //nolint:errcheck // the test ends
			if n, err := bus.Seen("").Count(t.Context()); err != nil || n != 300 {
				t.Errorf("the ledger holds %d files, want 300 (%v)", n, err)
			}
			if n, err := bus.Files("").Count(t.Context()); err != nil || n != 200 {
				t.Errorf("%d files are queued, want 200 (%v)", n, err)
			}
			seen := map[uint64]bool{}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if err := bus.Pull(ctx, fileQueue(bus), 64, func(d *jet.Delivery) {
				seen[d.Sequence] = true
				if err := d.Ack(); err != nil {
					t.Error(err)
				}
				if len(seen) == 200 {
					cancel()
				}
			}); err != nil {
				t.Fatal(err)
			}
			if len(seen) != 200 {
				t.Errorf("%d files came out of the queue, want 200", len(seen))
			}
			if _, err := os.Stat(filepath.Join(folders[0], streamJournal)); err == nil {
				t.Error("the journal is still there")
			}
		})
	}
}

// fileQueue is the queue of the files of one job.
func fileQueue(b *jet.Bus) jet.Queue { return b.Files("job").Queue("file-job", 1000) }

// fillFiles queues 300 files and finishes 100 of them.
func fillFiles(t *testing.T, dir string) {
	t.Helper()
	b := start(t, dir, "")
	bus, err := b.Connect(t.Context(), "watcher")
	if err != nil {
		t.Fatal(err)
	}
	var all []events.Trigger
	for n := range 300 {
		f := events.NewFile("file-" + strconv.Itoa(n))
		f.Fingerprint = events.Hash(f.Path)
		all = append(all, events.Trigger{ID: f.Path, JobID: "job", Kind: events.KindFile, File: f})
	}
	if _, err := bus.CommitFiles(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := 0
	if err := bus.Pull(ctx, fileQueue(bus), 16, func(d *jet.Delivery) {
		if done == 100 {
			cancel()
			_ = d.Nak(0)
			return
		}
		done++
		if err := d.Ack(); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for left := 0; left != 200; time.Sleep(10 * time.Millisecond) {
		queued, err := bus.Files("").Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		left = queued
	}
	if err := bus.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// makeOlder gives FILES the settings that an older Spool made.
func makeOlder(t *testing.T, dir string) (former, next []byte) {
	t.Helper()
	next, err := os.ReadFile(filepath.Join(dir, streamMeta))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]any{}
	if err := json.Unmarshal(next, &settings); err != nil {
		t.Fatal(err)
	}
	settings["retention"] = jetstream.WorkQueuePolicy
	settings["max_bytes"], settings["metadata"] = 1<<28, map[string]string{}
	former, err = json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, streamMeta, former)
	put(t, dir, streamSum, []byte(store.SettingsSum(streamFiles, former)))
	return former, next
}

func put(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
