package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"spool.internal/events"
)

// timedFlow notes that it started, and takes 0 to 5 s.
const timedFlow = `#!/bin/sh
read up rest </proc/uptime
for f in "$1"/*; do :; done
echo "$up $SPOOL_RUN_ID $SPOOL_ATTEMPT ${f##*/}" >>LOG
case $SPOOL_RUN_ID in *[ab]) sleep 0.2 ;; *[cd]) sleep 1 ;; *e) sleep 3 ;; *f) sleep 5 ;; esac
`

// flows has the built-in runners of the machines run a flow, and follows what it notes.
func (l *clusterLoad) flows() {
	l.Helper()
	l.owner = "admin"
	file := filepath.Join(l.TempDir(), "starts")
	l.flow("timed.ibflowbin", strings.ReplaceAll(timedFlow, "LOG", file))
	f, err := os.OpenFile(file, os.O_RDONLY|os.O_CREATE, 0o666)
	if err != nil {
		l.Fatal(err)
	}
	text, err := os.ReadFile("/proc/uptime")
	var up float64
	if err == nil {
		_, err = fmt.Sscan(string(text), &up)
	}
	if err != nil {
		l.Fatal(err)
	}
	booted := time.Now().Add(-time.Duration(up * float64(time.Second)))
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer f.Close()
		lines, part := bufio.NewReader(f), ""
		for {
			more, err := lines.ReadString('\n')
			if part += more; err == nil {
				l.started(booted, strings.Fields(part))
				part = ""
				continue
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	l.Cleanup(func() { close(stop); <-ended })
}

// started keeps a line of a flow: when, which run and attempt, and the file that it found.
func (l *clusterLoad) started(booted time.Time, line []string) {
	var up float64
	if len(line) != 4 {
		l.Errorf("a flow has noted %q", line)
		return
	}
	if _, err := fmt.Sscan(line[0], &up); err != nil {
		l.Errorf("a flow has noted %q", line)
		return
	}
	l.note(line[1], line[3], booted.Add(time.Duration(up*float64(time.Second))))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.starts[line[1]+" "+line[2]]++
}

// judgeRuns sees that every run has ended once, and that no attempt was started twice.
func (l *clusterLoad) judgeRuns(wanted map[string]string) {
	l.Helper()
	bus := l.bus()
	var ended map[string]int
	for began := time.Now(); time.Since(began) < 2*time.Minute; time.Sleep(500 * time.Millisecond) {
		ended = timesOf(read(l.harness, bus.Runs(events.Ended, "")), func(ev events.RunEvent) string { return ev.FlowJobID })
		left := 0
		for id := range wanted {
			if ended[id] == 0 {
				left++
			}
		}
		if left == 0 {
			break
		}
	}
	l.each("a run that did not end once", wanted, func(id string) string {
		if n := ended[id]; n != 1 {
			return fmt.Sprintf("%d ends", n)
		}
		return ""
	})
	attempts := timesOf(read(l.harness, bus.Runs(events.Started, "")), func(ev events.RunEvent) string { return ev.FlowJobID })
	cut := 0
	for _, n := range attempts {
		if n > 1 {
			cut++
		}
	}
	for _, ev := range read(l.harness, bus.Runs(events.Ended, "")) {
		if poisoned := strings.HasPrefix(ev.Message, "poison: ") && attempts[ev.FlowJobID] >= 3; ev.Status != events.OK && !poisoned {
			l.Errorf("the run %s has ended %s after %d starts: %s", ev.FlowJobID, ev.Status, attempts[ev.FlowJobID], ev.Message)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for what, n := range l.starts {
		if n > 1 {
			l.Errorf("the run and attempt %s was started %d times", what, n)
		}
	}
	l.Logf("%d runs, each ended once; %d were cut off and started again", len(wanted), cut)
}
