package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// BenchmarkFolders is `spool watcher` as a process of its own with 10,000 watched
// folders: how long from its start until every folder is armed and scanned, what
// it costs while nothing happens, and its memory. Its floor is what bare fsnotify
// takes to add the same folders and read each once.
func BenchmarkFolders(b *testing.B) {
	const folders = 10_000
	b.Run("watcher", func(b *testing.B) {
		p := newHarness(b)
		p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--durability", "interval")
		watchJobs(p, makeFolders(p, folders))
		for b.Loop() {
			w := p.watch()
			armed := w.until(folders, 0)
			idle := 20 * time.Second
			time.Sleep(5 * time.Second) // the states are reported
			before := w.cpu()
			time.Sleep(idle)
			b.ReportMetric(float64(armed.Milliseconds())/1000, "s-armed")
			b.ReportMetric(100*(w.cpu()-before).Seconds()/idle.Seconds(), "%-idle-CPU")
			b.ReportMetric(memory(p, w.cmd.Process.Pid, "VmRSS:"), "MB")
			w.kill()
		}
	})
	b.Run("floor", func(b *testing.B) {
		p := newHarness(b)
		names := makeFolders(p, folders)
		for b.Loop() {
			began := time.Now()
			w, err := fsnotify.NewWatcher()
			if err != nil {
				b.Fatal(err)
			}
			for _, name := range names {
				if err := w.Add(filepath.Join(p.dir, name)); err != nil {
					b.Fatal(err)
				}
				if _, err := os.ReadDir(filepath.Join(p.dir, name)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(time.Since(began).Milliseconds())/1000, "s-armed")
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkKnownFiles is the start of `spool watcher` on folders in which
// 1,000,000 files lie that have all run: until the ledger has answered for every
// one. Its floor is reading and looking at them (getdents and stat).
func BenchmarkKnownFiles(b *testing.B) {
	for _, folders := range []int{1, 100} {
		const files = 1_000_000
		b.Run(fmt.Sprintf("folders=%d", folders), func(b *testing.B) {
			p := newHarness(b)
			p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--durability", "interval")
			names := makeFolders(p, folders)
			fillFolders(p, names, files/folders)
			time.Sleep(50 * time.Millisecond) // older than their jobs
			watchJobs(p, names)
			w := p.watch()
			w.until(folders, 0) // the ledger has them now, without a run of each
			w.kill()
			floor := readFolders(p, names, files)
			for b.Loop() {
				w := p.watch()
				b.ReportMetric(w.until(folders, 0).Seconds(), "s-checked")
				b.ReportMetric(memory(p, w.cmd.Process.Pid, "VmHWM:"), "MB-most")
				b.ReportMetric(floor.Seconds(), "s-floor")
				w.kill()
			}
		})
	}
}

func makeFolders(p *harness, n int) (names []string) {
	p.Helper()
	for i := range n {
		name := fmt.Sprintf("watched/%02d/%d/in", i%100, i)
		if err := os.MkdirAll(filepath.Join(p.dir, name), 0o755); err != nil {
			p.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func fillFolders(p *harness, names []string, each int) {
	p.Helper()
	for _, name := range names {
		for i := range each {
			path := filepath.Join(p.dir, name, fmt.Sprintf("invoice-%07d.pdf", i))
			if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
				p.Fatal(err)
			}
		}
	}
}

func readFolders(p *harness, names []string, want int) time.Duration {
	p.Helper()
	began, n := time.Now(), 0
	for _, name := range names {
		dir, err := os.Open(filepath.Join(p.dir, name))
		if err != nil {
			p.Fatal(err)
		}
		for {
			all, err := dir.Readdir(256)
			if err == io.EOF {
				break
			}
			if err != nil {
				p.Fatal(err)
			}
			n += len(all)
		}
		if err := dir.Close(); err != nil {
			p.Fatal(err)
		}
	}
	if n != want {
		p.Fatalf("%d files, want %d", n, want)
	}
	return time.Since(began)
}

// watchJobs makes a job for each folder, which ignores what lies there already.
func watchJobs(p *harness, names []string) {
	p.Helper()
	bus := p.bus()
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < len(names); i += 8 {
				body := fmt.Sprintf(`{"name":"n","flow_parameters":{"auth_token":"x","binary_path":"%[1]s/f","input_dir":"%[1]s/%[2]s",`+
					`"settings":{"spooled_mode":true}},"spool":{"watch":{"initial":"ignore"}}}`, testDrive, names[i])
				_, err := bus.PutJob(p.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
					ID: fmt.Sprintf("job-%d", i), Username: "admin", Status: events.Enabled, Name: "n",
					CreatedOnNS: time.Now().UnixNano(), Parameters: json.RawMessage(body),
				}}, 0)
				if err != nil {
					p.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// watching is a `spool watcher` whose metrics are read.
type watching struct {
	*process
	began time.Time
	url   string
}

func (p *harness) watch() *watching {
	p.Helper()
	addr := eventstest.FreeAddress(p)
	w := &watching{began: time.Now(), url: "http://" + addr + "/metrics"}
	w.process = p.start("watcher", "--data", p.data, "--listen", addr, "--nats-url", "nats://"+p.nats,
		"--nats-creds", filepath.Join(p.data, "watcher.creds"), "--durability", "interval", "--drive", testDrive+"="+p.dir)
	return w
}

var figure = regexp.MustCompile(`(?m)^(spool_watch_\S+) (\S+)$`)

func (w *watching) figures() map[string]float64 {
	w.p.Helper()
	resp, err := http.Get(w.url)
	if err != nil {
		return nil // it does not listen yet
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.p.Fatal(err)
	}
	all := map[string]float64{}
	for _, m := range figure.FindAllStringSubmatch(string(text), -1) {
		if all[m[1]], err = strconv.ParseFloat(m[2], 64); err != nil {
			w.p.Fatal(err)
		}
	}
	return all
}

// until waits until so many folders are live and so many files wait, and gives
// the time since the start of the process.
func (w *watching) until(live, pending int) time.Duration {
	w.p.Helper()
	for deadline := time.Now().Add(15 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		f := w.figures()
		if f[`spool_watch_folders{state="live"}`] == float64(live) && f["spool_watch_pending_files"] == float64(pending) {
			return time.Since(w.began)
		}
	}
	w.p.Fatalf("not every folder is live: %v", w.figures())
	return 0
}

// cpu is the time that the process has worked.
func (w *watching) cpu() time.Duration {
	w.p.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", w.cmd.Process.Pid))
	if err != nil {
		w.p.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name can hold blanks
	var ticks int
	for _, field := range strings.Fields(after)[11:13] { // utime, stime
		n, err := strconv.Atoi(field)
		if err != nil {
			w.p.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 everywhere
}
