//go:build linux

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkIdle is what `spool serve` costs while nothing is due: ten jobs that start on
// the last day of the year and ten watched folders into which nothing comes. Bytes are
// those that the process has had written (/proc/PID/io), and those of the disk under its
// data folder, which others use too; both for an hour, out of two minutes, or out of
// BENCH_IDLE: what is written each half hour is in a whole hour only, and what is said
// again each twelve hours seldom. The floor is the
// disk alone, without it.
func BenchmarkIdle(b *testing.B) {
	watched := 2 * time.Minute
	if text := os.Getenv("BENCH_IDLE"); text != "" {
		var err error
		if watched, err = time.ParseDuration(text); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("floor", func(b *testing.B) {
		p := newHarness(b)
		for b.Loop() {
			before := diskWritten(p, p.dir)
			time.Sleep(watched)
			b.ReportMetric(hourly(diskWritten(p, p.dir)-before, watched), "kB-disk/h")
		}
		b.ReportMetric(0, "ns/op") // the wait says nothing
	})
	b.Run("serve", func(b *testing.B) {
		p := newHarness(b)
		s := p.serve()
		for n := range 10 {
			folder := fmt.Sprint("in/", n)
			if err := os.MkdirAll(filepath.Join(p.dir, folder), 0o755); err != nil {
				b.Fatal(err)
			}
			p.job(fmt.Sprint("clock ", n), "59 23 31 12 *", "flow.ibflowbin", "in", nil)
			p.job(fmt.Sprint("folder ", n), "", "flow.ibflowbin", folder, nil)
		}
		time.Sleep(3 * time.Minute) // what a start leaves to be done: the server writes its indexes after two
		pid := s.cmd.Process.Pid
		for b.Loop() {
			wrote, disk, computed, woken := processWritten(p, pid), diskWritten(p, p.data), processor(p, pid), switches(p, pid)
			time.Sleep(watched)
			b.ReportMetric(hourly(processWritten(p, pid)-wrote, watched), "kB/h")
			b.ReportMetric(hourly(diskWritten(p, p.data)-disk, watched), "kB-disk/h")
			b.ReportMetric((processor(p, pid)-computed).Seconds()/watched.Seconds()*100, "%-core")
			b.ReportMetric(float64(switches(p, pid)-woken)/watched.Seconds(), "wakeups/s")
			b.ReportMetric(memory(p, pid, "VmRSS:"), "MB")
			b.ReportMetric(memory(p, pid, "RssAnon:"), "MB-anon") // its own
			b.ReportMetric(memory(p, pid, "RssFile:"), "MB-file") // of the program, as the system caches it
		}
		b.ReportMetric(0, "ns/op")
	})
}

// hourly tells bytes in kB an hour.
func hourly(bytes int64, in time.Duration) float64 {
	return float64(bytes) / 1000 * time.Hour.Seconds() / in.Seconds()
}

// processWritten is how many bytes a process has had written to disks.
func processWritten(p *harness, pid int) int64 {
	return field(p, fmt.Sprintf("/proc/%d/io", pid), "write_bytes:")
}

// switches counts how often the threads of a process went to sleep of themselves.
func switches(p *harness, pid int) (all int64) {
	p.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		p.Fatal(err)
	}
	for _, t := range threads {
		all += field(p, t, "voluntary_ctxt_switches:")
	}
	return all
}

// field reads a number behind a name at the beginning of a line.
func field(p *harness, file, name string) int64 {
	p.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		p.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				p.Fatal(err)
			}
			return n
		}
	}
	p.Fatalf("%s has no %s", file, name)
	return 0
}

// diskWritten is how many bytes were written to the disk that a folder lies on.
func diskWritten(p *harness, folder string) int64 {
	p.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(folder, &st); err != nil {
		p.Fatal(err)
	}
	major, minor := (st.Dev>>8)&0xfff, st.Dev&0xff|(st.Dev>>12)&0xfff00
	text, err := os.ReadFile(fmt.Sprintf("/sys/dev/block/%d:%d/stat", major, minor))
	if err != nil {
		return 0 // a file system without a disk of its own
	}
	sectors, err := strconv.ParseInt(strings.Fields(string(text))[6], 10, 64)
	if err != nil {
		p.Fatal(err)
	}
	return sectors * 512
}

// BenchmarkReady is how long spool takes from its start until /readyz says so, on a data
// folder that was there before, and how large it is without its symbols. The floor is a
// start that only prints the version.
func BenchmarkReady(b *testing.B) {
	stripped := filepath.Join(b.TempDir(), "spool")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", stripped, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			if err := exec.Command(stripped, "version").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("serve", func(b *testing.B) {
		p := newHarness(b)
		first := p.serve()
		if code := first.stop(syscall.SIGTERM); code != 0 {
			b.Fatalf("exit status %d", code)
		}
		for b.Loop() {
			b.StopTimer()
			s := &process{p: p, args: p.serveArgs(), log: &lockedBuffer{}, binary: stripped}
			b.StartTimer()
			s.launch()
			for !readyNow(p) {
				time.Sleep(time.Millisecond)
			}
			b.StopTimer()
			s.stop(syscall.SIGTERM)
			b.StartTimer()
		}
		info, err := os.Stat(stripped)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/1e6, "MB-stripped")
	})
}

// readyNow asks once whether spool is ready.
func readyNow(p *harness) bool {
	resp, err := http.Get("http://" + p.api + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode == http.StatusOK
}
